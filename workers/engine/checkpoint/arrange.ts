// Tensors made of other tensors, row by row: joined shards, reordered heads, transposes, sums.
// Source: EasyLM convert_torch_to_easylm.py and llama models_llama_adapter.py (joins); transformers convert_llama_weights_to_hf.py
// (permute); llama.cpp convert_hf_to_gguf.py LlamaModel.permute.
import { assert } from "../base/errors.ts";
import { damaged } from "./formats/errors.ts";
import type { Desk, StoredTensor } from "./formats/stored.ts";

/** What arranging needs of a tensor. */
export type Rows = Pick<StoredTensor, "type" | "rows" | "cols" | "read">;

/** One below the other. Throws `bad_file` where they are of different widths. */
export function joinRows(name: string, parts: readonly Rows[]): Rows {
  const [first] = parts;
  assert(first, "nothing to join");
  if (parts.some(({ cols }) => cols !== first.cols)) throw mismatch(name, parts);
  return {
    type: first.type,
    cols: first.cols,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    read: async (from, count, signal) => {
      const out = new Float32Array(count * first.cols);
      let start = 0; // of the part, in rows of the whole
      for (const part of parts) {
        const begin = Math.max(from, start);
        const end = Math.min(from + count, start + part.rows);
        if (begin < end) out.set(await part.read(begin - start, end - begin, signal), (begin - from) * first.cols);
        start += part.rows;
      }
      return out;
    },
  };
}

/** One beside the other. Throws `bad_file` where they are of different heights. */
export function joinCols(name: string, parts: readonly Rows[]): Rows {
  const [first] = parts;
  assert(first, "nothing to join");
  if (parts.some(({ rows }) => rows !== first.rows)) throw mismatch(name, parts);
  const cols = parts.reduce((sum, part) => sum + part.cols, 0);
  return {
    type: first.type,
    rows: first.rows,
    cols,
    read: async (from, count, signal) => {
      const out = new Float32Array(count * cols);
      let start = 0; // of the part, in columns of the whole
      for (const part of parts) {
        const values = await part.read(from, count, signal);
        for (let row = 0; row < count; row++) {
          out.set(values.subarray(row * part.cols, (row + 1) * part.cols), row * cols + start);
        }
        start += part.cols;
      }
      return out;
    },
  };
}

/**
 * Rows of q or k from Hugging Face's order to Meta's and GGUF's. Theirs has a head's first halves of all pairs, then the second
 * ones; ours has pair after pair.
 */
export function pairHeads(tensor: Rows, headDim: number): Rows {
  return {
    ...tensor,
    read: async (from, count, signal) => {
      const firstHead = Math.floor(from / headDim);
      const heads = Math.ceil((from + count) / headDim) - firstHead;
      const values = await tensor.read(firstHead * headDim, heads * headDim, signal);
      const out = new Float32Array(count * tensor.cols);
      for (let i = 0; i < count; i++) {
        const source = beforePairing(from + i - firstHead * headDim, headDim);
        out.set(values.subarray(source * tensor.cols, (source + 1) * tensor.cols), i * tensor.cols);
      }
      return out;
    },
  };
}

/** The same of the vector of biases, which has a number for each of those rows. */
export function pairBiases(tensor: Rows, headDim: number): Rows {
  return {
    ...tensor,
    read: async (from, count, signal) => {
      const values = await tensor.read(from, count, signal);
      return values.map((_, i) => values[beforePairing(i, headDim)]!);
    },
  };
}

/** Where Hugging Face has the row that is `row` of ours. */
function beforePairing(row: number, headDim: number): number {
  const within = row % headDim;
  return row - within + (within % 2) * (headDim / 2) + (within >> 1);
}

/** Of every `step` rows the `count` from `first` on. */
export function everyRows(
  tensor: Rows,
  { first, count, step }: { readonly first: number; readonly count: number; readonly step: number },
): Rows {
  return {
    ...tensor,
    rows: (tensor.rows / step) * count,
    read: async (from, wanted, signal) => {
      const out = new Float32Array(wanted * tensor.cols);
      for (let done = 0; done < wanted;) {
        const within = (from + done) % count;
        const run = Math.min(count - within, wanted - done);
        const start = Math.floor((from + done) / count) * step + first + within;
        out.set(await tensor.read(start, run, signal), done * tensor.cols);
        done += run;
      }
      return out;
    },
  };
}

/** Matrices of `height` rows, one below the other, each on its side. One at a time lies on the desk, under a key made of `name`. */
export function turned(name: string, tensor: Rows, height: number, desk: Desk<Float32Array<ArrayBuffer>>): Rows {
  const width = tensor.cols; // rows of a turned matrix
  return {
    ...tensor,
    rows: (tensor.rows / height) * width,
    cols: height,
    read: async (from, count, signal) => {
      const out = new Float32Array(count * height);
      for (let i = 0; i < count; i++) {
        const matrix = Math.floor((from + i) / width);
        const values = await desk.take(`${name} ${matrix}`, () => tensor.read(matrix * height, height, signal));
        const col = (from + i) % width;
        for (let row = 0; row < height; row++) out[i * height + row] = values[row * width + col]!;
      }
      return out;
    },
  };
}

/** Rows of zeros, or whatever `fill` says, below a tensor. */
export function withRowsBelow(tensor: Rows, rows: number, fill: (signal?: AbortSignal) => Promise<Float32Array>): Rows {
  return {
    ...tensor,
    rows,
    read: async (from, count, signal) => {
      const out = new Float32Array(count * tensor.cols);
      const present = Math.max(0, Math.min(count, tensor.rows - from));
      if (present > 0) out.set(await tensor.read(from, present, signal));
      if (present < count) {
        const row = await fill(signal);
        for (let i = present; i < count; i++) out.set(row, i * tensor.cols);
      }
      return out;
    },
  };
}

function mismatch(name: string, parts: readonly Rows[]): Error {
  return damaged(name, `its shards are ${parts.map(({ rows, cols }) => `${rows} x ${cols}`).join(" and ")}, which do not join`);
}
