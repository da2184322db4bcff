// Keys and values of some positions as bytes, position by position, so that any level, thread count and context length reads them.
import type { Snapshots } from "../base/backend.ts";
import { assert } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { RUN } from "./assembly/words.ts";
import { CACHE_FORMS, type CacheForm, headPad } from "./cache.ts";
import { type Placement } from "./place.ts";

/** The cache as bytes: [position][layer][keys, then values][kv head][head dim]. `breathe` lets messages in. */
export class CacheSnapshots implements Snapshots {
  readonly form: string;
  readonly positionBytes: number;

  constructor(
    private readonly model: Model,
    private readonly placement: Placement,
    private readonly memories: readonly WebAssembly.Memory[],
    private readonly contextLength: number,
    private readonly breathe: () => Promise<void>,
  ) {
    const { layers, kvHeads, headDim } = model.shape;
    this.form = `wasm 2, ${placement.cacheForm}, ${layers} x 2 x ${kvHeads} x ${headDim}`;
    this.positionBytes = layers * 2 * kvHeads * headDim * CACHE_FORMS[placement.cacheForm];
  }

  async read(first: number, count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count * this.positionBytes);
    await this.eachHead(first, count, bytes, (word, cell, words, cache) => (words[word] = cache[cell]!));
    return bytes;
  }

  async write(first: number, bytes: Uint8Array): Promise<void> {
    const count = bytes.length / this.positionBytes;
    assert(Number.isInteger(count), `${bytes.length} bytes are no whole positions of ${this.positionBytes}.`);
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice(); // as views of words want it
    await this.eachHead(first, count, aligned, (word, cell, words, cache) => (cache[cell] = words[word]!));
  }

  /** Calls `move` for every key and value: which word of the bytes it is, and which cell of its cache. */
  private async eachHead(first: number, count: number, bytes: Uint8Array, move: Move): Promise<void> {
    assert(first >= 0 && first + count <= this.contextLength, `${count} positions from ${first} on do not fit.`);
    const { kvHeads, headDim, layers } = this.model.shape;
    const { caches, cacheForm, segments } = this.placement;
    const words = viewOf(cacheForm, bytes.buffer, bytes.byteOffset, bytes.length);
    const positions = Math.ceil(this.contextLength / RUN) * RUN;
    const pad = headPad(this.model);
    for (const { ops, bank } of segments) {
      const attend = ops.find((op) => op.op === "attend");
      if (!attend) continue;
      await this.breathe();
      const keys = viewOf(cacheForm, this.memories[bank]!.buffer, caches[attend.layer]!.keys);
      const values = viewOf(cacheForm, this.memories[bank]!.buffer, caches[attend.layer]!.values);
      for (let i = 0; i < count * kvHeads; i++) {
        const head = i % kvHeads;
        const at = first + Math.floor(i / kvHeads);
        // Keys lie as [kv head][position / 8][head dim][8 positions], values as [kv head][position / RUN][head dim / 8][RUN][8].
        const key = ((head * positions) / 8 + (at >> 3)) * headDim * 8 + (at & 7);
        const value = (head * positions + at - (at % RUN)) * pad + (at % RUN) * 8;
        let word = (((at - first) * layers + attend.layer) * 2 * kvHeads + head) * headDim;
        for (let d = 0; d < headDim; d++) move(word++, key + 8 * d, words, keys);
        word += (kvHeads - 1) * headDim;
        for (let d = 0; d < headDim; d++) move(word++, value + (d >> 3) * RUN * 8 + (d & 7), words, values);
      }
    }
  }
}

type Words = Uint16Array | Uint32Array;
type Move = (word: number, cell: number, words: Words, cache: Words) => void;

/** The bits of keys and values, as words of their form. */
function viewOf(form: CacheForm, buffer: ArrayBufferLike, at: number, bytes?: number): Words {
  const length = bytes === undefined ? undefined : bytes / CACHE_FORMS[form];
  return CACHE_FORMS[form] === 2 ? new Uint16Array(buffer, at, length) : new Uint32Array(buffer, at, length);
}
