// Puts GGUF rows where they belong: through a staging area of the bank, packed eight rows at a time.
import { QUANTS } from "../../../shaders/quant/index.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Tensor } from "../base/model.ts";
import { C_FAULT } from "./assembly/words.ts";
import type { Kernels } from "./kernels.ts";
import { groupBytes, isNative, type Layout } from "./layouts.ts";
import { requantize, WIDE_BLOCK_BYTES } from "./requantize.ts";

/** Rows that are packed together. */
export const ROW_GROUP = 8;

/** Where rows go, and through what. */
export interface Destination {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  readonly bytesMode: number;
  readonly staging: number;
  readonly stagingBytes: number;
}

/** Writes a norm's weights as floats at `at`. */
export function writeVector(tensor: Tensor, bytes: Uint8Array, memory: WebAssembly.Memory, at: number): void {
  QUANTS[tensor.type].dequantize(bytes, new Float32Array(memory.buffer, at, tensor.cols));
}

/**
 * Packs whole rows, from `firstRow` on, of the matrix at `at`. firstRow is a multiple of ROW_GROUP. Throws `bad_file` for block
 * scales of 128 and more, which no trained weights have.
 */
export function writeRows(
  tensor: Tensor,
  firstRow: number,
  bytes: Uint8Array,
  at: number,
  layout: Layout,
  to: Destination,
): void {
  assert(firstRow % ROW_GROUP === 0, `Rows of ${tensor.name} start at ${firstRow}, in the middle of a group.`);
  const { memory, kernels, staging, stagingBytes, bytesMode } = to;
  const rowBytes = tensor.sizeBytes / tensor.rows;
  const stagedRowBytes = isNative(tensor.type) ? rowBytes : (tensor.cols / 32) * WIDE_BLOCK_BYTES;
  const work = staging + stagingBytes - 1024;
  const step = Math.floor((stagingBytes - 1024) / (ROW_GROUP * stagedRowBytes)) * ROW_GROUP;
  const rows = bytes.length / rowBytes;
  const floats = isNative(tensor.type) ? null : new Float32Array(tensor.cols * Math.min(rows, step));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    const piece = bytes.subarray(row * rowBytes, (row + count) * rowBytes);
    const staged = new Uint8Array(memory.buffer, staging, count * stagedRowBytes);
    if (floats) {
      const values = floats.subarray(0, count * tensor.cols);
      QUANTS[tensor.type].dequantize(piece, values);
      requantize(values, staged);
    } else staged.set(piece);
    const group = at + ((firstRow + row) / ROW_GROUP) * groupBytes(layout, tensor.cols);
    kernels.repack(layout.id, bytesMode, staging, count, tensor.cols, group, work);
  }
  if (new DataView(memory.buffer).getInt32(C_FAULT, true) !== 0) {
    throw new EngineError(
      "bad_file",
      `${tensor.name} has a block scale of 128 or more.`,
      "The file is damaged: download it again.",
    );
  }
}
