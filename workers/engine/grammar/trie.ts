// A vocabulary as a tree of bytes, laid flat in the order a walk meets it: what rules a byte out rules out all tokens below it.
import type { Position, Positions } from "./positions.ts";

/** The tokens that are text, by their bytes. */
export class Trie {
  /** [nodes] the byte that leads to a node. */
  private readonly bytes: Uint8Array;
  /** [nodes] how many bytes lead to it. */
  private readonly depths: Uint16Array;
  /** [nodes] the first node after it that is not below it. */
  private readonly skips: Uint32Array;
  /** [nodes + 1] where its tokens begin in `ids`; they end where the next node's begin. */
  private readonly starts: Uint32Array;
  private readonly ids: Uint32Array;

  /** `pieces`: the UTF-8 of each token by id, empty for those that are no text. */
  constructor(pieces: readonly Uint8Array[]) {
    const ids = pieces.flatMap((piece, id) => (piece.length > 0 ? [id] : []));
    ids.sort((a, b) => compare(pieces[a]!, pieces[b]!));
    const bytes: number[] = [];
    const depths: number[] = [];
    const starts: number[] = [];
    let previous: Uint8Array = new Uint8Array(0);
    for (const [index, id] of ids.entries()) {
      const piece = pieces[id]!;
      for (let depth = shared(previous, piece); depth < piece.length; depth++) {
        bytes.push(piece[depth]!);
        depths.push(depth + 1);
        starts.push(index); // a node on the way has no tokens: the next one begins at the same place
      }
      previous = piece;
    }
    this.ids = Uint32Array.from(ids);
    this.bytes = Uint8Array.from(bytes);
    this.depths = Uint16Array.from(depths);
    this.starts = Uint32Array.from([...starts, ids.length]);
    this.skips = skipsOf(this.depths);
  }

  /** Calls `found` for each token that may come at a position, with the position after it. */
  walk(positions: Positions, from: Position, found: (id: number, after: Position, bytes: number) => void): void {
    const { bytes, depths, skips, starts, ids } = this;
    const path: Position[] = [from];
    for (let node = 0; node < bytes.length;) {
      const depth = depths[node]!;
      const after = positions.step(path[depth - 1]!, bytes[node]!);
      if (after === null) {
        node = skips[node]!;
        continue;
      }
      path[depth] = after;
      for (let i = starts[node]!; i < starts[node + 1]!; i++) found(ids[i]!, after, depth);
      node++;
    }
  }
}

function skipsOf(depths: Uint16Array): Uint32Array {
  const skips = new Uint32Array(depths.length);
  const open: number[] = []; // nodes whose end is not known yet, one for each depth
  for (let node = 0; node <= depths.length; node++) {
    const depth = node < depths.length ? depths[node]! : 1;
    while (open.length >= depth) skips[open.pop()!] = node;
    open.push(node);
  }
  return skips;
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const same = shared(a, b);
  return (a[same] ?? -1) - (b[same] ?? -1);
}

function shared(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
