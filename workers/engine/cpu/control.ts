// What the kernels of a bank are told: once where everything lies, and before each run what to run on.
import type { Model } from "../base/model.ts";
import * as words from "./assembly/words.ts";
import { type Buffers, codesAt, partialRows, scratchBytes, slotBytes } from "./buffers.ts";
import { type CacheForm, headPad } from "./cache.ts";

/** Writes the facts of a model and of its buffers. `contextLength`: positions of the cache, whole runs. */
export function writeControl(
  memory: WebAssembly.Memory,
  model: Model,
  buffers: Buffers,
  contextLength: number,
  cacheForm: CacheForm,
  wordBytes: number,
): void {
  const { shape, rope } = model;
  const control = new DataView(memory.buffer);
  const fields: [number, number][] = [
    [words.C_IDS, buffers.ids],
    [words.C_ROPE, buffers.rope],
    [words.C_ROPE_DIMS, rope.dims],
    [words.C_HEADS, shape.heads],
    [words.C_KV_HEADS, shape.kvHeads],
    [words.C_HEAD_DIM, shape.headDim],
    [words.C_HEAD_PAD, headPad(model)],
    [words.C_CONTEXT, contextLength],
    [words.C_CACHE_WIDE, cacheForm === "f32" ? 1 : 0],
    [words.C_SCRATCH, buffers.scratch],
    [words.C_SCRATCH_BYTES, scratchBytes(model, wordBytes)],
    [words.C_CODES, codesAt(model, wordBytes)],
    [words.C_PARTIALS, buffers.partials],
    [words.C_PARTIAL_ROWS, partialRows(model)],
    [words.C_TILE_COUNTERS, buffers.counters],
    [words.C_SLOTS, buffers.slots],
    [words.C_SLOT_BYTES, slotBytes(model)],
  ];
  for (const [at, word] of fields) control.setUint32(at, word, true);
}

/** Writes the tokens of a run, at positions at, at + 1, …, and their rotations; logits are asked for of the last `heads`. */
export function writeInputs(
  { buffer }: WebAssembly.Memory,
  { rope }: Model,
  buffers: Buffers,
  tokens: Uint32Array,
  at: number,
  heads: number,
): void {
  const control = new DataView(buffer);
  control.setInt32(words.C_TOKENS, tokens.length, true);
  control.setInt32(words.C_AT, at, true);
  control.setInt32(words.C_HEAD_FIRST, tokens.length - heads, true);
  control.setInt32(words.C_HEAD_COUNT, heads, true);
  new Uint32Array(buffer, buffers.ids, tokens.length).set(tokens);
  const { dims, frequencies, magnitude } = rope;
  const table = new Float32Array(buffer, buffers.rope, tokens.length * dims);
  for (let token = 0, i = 0; token < tokens.length; token++) {
    for (let pair = 0; pair < dims / 2; pair++) {
      const angle = (at + token) * frequencies[pair]!;
      table[i++] = Math.cos(angle) * magnitude;
      table[i++] = Math.sin(angle) * magnitude;
    }
  }
}

/** Names the ops to run and the threads that take part. */
export function writeRange({ buffer }: WebAssembly.Memory, first: number, last: number, active: number): void {
  const control = new DataView(buffer);
  control.setUint32(words.C_FIRST, first, true);
  control.setUint32(words.C_LAST, last, true);
  control.setInt32(words.C_ACTIVE, active, true);
}
