// Holds an answer to a grammar: rules out, token by token, what can't come next or could not be finished in time.
import type { Position, Positions } from "./positions.ts";
import type { Trie } from "./trie.ts";

/** The tokens of a vocabulary as a grammar sees them. */
export interface Alphabet {
  readonly trie: Trie;
  /** Tokens that end an answer; none where a model has none. */
  readonly endIds: readonly number[];
  /** UTF-8 of a token. */
  piece(id: number): Uint8Array;
}

/** What may follow a position. */
interface Mask {
  /** [vocab] 1 for tokens that may come. */
  readonly allowed: Uint8Array;
  readonly count: number;
  /** Of the positions they lead to, the most bytes that one still needs. */
  readonly most: number;
}

/** Positions whose masks are kept, and positions that are kept at all. */
const MOST_MASKS = 256;
const MOST_POSITIONS = 30_000;

/** One answer on its way through a grammar. */
export class Constraint {
  private at: Position;
  private readonly masks = new Map<number, Mask>();

  constructor(
    private readonly positions: Positions,
    private readonly alphabet: Alphabet,
    private readonly vocab: number,
  ) {
    this.at = positions.start;
  }

  /**
   * Sets the logits [vocab] of all tokens that can't come now to -Infinity. `remaining`: tokens the answer may still have,
   * this one included; one that could not be finished in as many bytes is ruled out as well. False where the text is complete
   * and no end token can say so.
   */
  apply(logits: Float32Array, remaining: number): boolean {
    const { at } = this;
    const { endIds } = this.alphabet;
    const mask = this.maskOf(at);
    const room = remaining - 1 - (endIds.length > 0 ? 1 : 0);
    if (at.least > room + 1 && mask.count > 0 && !at.accepts) {
      this.only(logits, this.shortcut(at));
      return true;
    }
    const allowed = mask.most <= room ? mask.allowed : this.allowedWithin(at, room);
    const ends = at.accepts ? endIds : [];
    const kept = ends.map((id) => logits[id]!);
    let left = ends.length;
    for (let id = 0; id < this.vocab; id++) {
      if (allowed[id]) left++;
      else logits[id] = -Infinity;
    }
    ends.forEach((id, i) => (logits[id] = kept[i]!));
    return left > 0;
  }

  /** Goes on by a token that was allowed. End tokens change nothing. */
  accept(id: number): void {
    if (this.alphabet.endIds.includes(id)) return;
    let at: Position | null = this.at;
    for (const byte of this.alphabet.piece(id)) at = at && this.positions.step(at, byte);
    if (at) this.at = at;
    if (this.positions.count <= MOST_POSITIONS) return;
    this.positions.forget();
    this.masks.clear();
  }

  /** How many tokens the shortest answer takes at most, its end included. */
  shortest(): number {
    let count = this.alphabet.endIds.length > 0 ? 1 : 0;
    for (let at: Position | null = this.at; at && at.least > 0; count++) {
      for (const byte of this.alphabet.piece(this.shortcut(at))) at = at && this.positions.step(at, byte);
    }
    return count;
  }

  private maskOf(at: Position): Mask {
    const known = this.masks.get(at.id);
    if (known) return known;
    const allowed = new Uint8Array(this.vocab);
    let [count, most] = [0, 0];
    this.alphabet.trie.walk(this.positions, at, (id, after) => {
      allowed[id] = 1;
      count++;
      most = Math.max(most, after.least);
    });
    if (this.masks.size >= MOST_MASKS) this.masks.clear();
    const mask = { allowed, count, most };
    this.masks.set(at.id, mask);
    return mask;
  }

  private allowedWithin(at: Position, room: number): Uint8Array {
    const allowed = new Uint8Array(this.vocab);
    this.alphabet.trie.walk(this.positions, at, (id, after) => {
      if (after.least <= room) allowed[id] = 1;
    });
    return allowed;
  }

  /** The longest token on a shortest way to the end. */
  private shortcut(at: Position): number {
    let [best, longest] = [-1, 0];
    this.alphabet.trie.walk(this.positions, at, (id, after, bytes) => {
      if (after.least !== at.least - bytes || bytes <= longest) return;
      [best, longest] = [id, bytes];
    });
    return best;
  }

  private only(logits: Float32Array, chosen: number): void {
    const logit = logits[chosen]!;
    logits.fill(-Infinity);
    logits[chosen] = logit;
  }
}
