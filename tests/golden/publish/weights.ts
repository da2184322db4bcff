// Weights to be published by the writers: what a state dict holds.
import type { FloatType } from "../../../workers/engine/checkpoint/formats/stored.ts";
import { packed } from "../models.ts";
import type { Bytes } from "./bytes.ts";

/** A tensor, slowest extent first. */
export interface Weights {
  readonly extents: readonly number[];
  readonly values: Float32Array;
}

/** Tensors by the publisher's names. */
export type StateDict = ReadonlyMap<string, Weights>;

/** The weights as bytes of a type. */
export function bytesOf({ values }: Weights, type: FloatType): Bytes {
  return Uint8Array.from(packed(type, values));
}

/** Rows [first, first + count) of a matrix; a vector's elements. */
export function rowsOf({ extents, values }: Weights, first: number, count: number): Weights {
  const cols = extents.length > 1 ? extents[1]! : 1;
  return { extents: [count, ...extents.slice(1)], values: values.slice(first * cols, (first + count) * cols) };
}

/** The matrix on its side. */
export function transpose({ extents, values }: Weights): Weights {
  const [rows = 1, cols = 1] = extents;
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) for (let col = 0; col < cols; col++) turned[col * rows + row] = values[row * cols + col]!;
  return { extents: [cols, rows], values: turned };
}

/** Columns [first, first + count). */
export function colsOf(weights: Weights, first: number, count: number): Weights {
  return transpose(rowsOf(transpose(weights), first, count));
}
