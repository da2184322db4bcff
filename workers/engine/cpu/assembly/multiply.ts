// The table of kernels: one function a layout, so that each is compiled by itself.
import { codeBytes, unpack } from "./codes";
import { gemm } from "./gemm";
import { gemv } from "./gemv";
import { floatGemm, floatGemv } from "./floats";
import { groupBytes, hasMinimum, isFloat, passesOf, stepsOf, zeroShift } from "./tile";
import {
  BYTES_SPLIT, BYTES_UNSIGNED, BYTES_SIGNED, L_BF16, L_F16, L_F32, L_Q2_K, L_Q3_K, L_Q4_0, L_Q4_1, L_Q4_K, L_Q5_0, L_Q5_1, L_Q5_K,
  L_Q6_K, L_Q8_0, L_WIDE, PLAIN, RELAXED16,
} from "./words";

function vector_q4_0(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q4_0, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q4_1(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q4_1, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q5_0(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q5_0, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q5_1(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q5_1, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q4_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q4_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q5_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q5_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q6_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q6_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q3_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q3_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q2_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q2_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q8_0(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q8_0, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_q8_0_split(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q8_0, BYTES_SPLIT, w, stride, groups, blocks, x, out, zero);
}

function vector_wide(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_WIDE, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function vector_wide_split(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_WIDE, BYTES_SPLIT, w, stride, groups, blocks, x, out, zero);
}

function codes_q4_0(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q4_0, w, blocks, to);
}

function codes_q4_1(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q4_1, w, blocks, to);
}

function codes_q5_0(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q5_0, w, blocks, to);
}

function codes_q5_1(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q5_1, w, blocks, to);
}

function codes_q4_k(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q4_K, w, blocks, to);
}

function codes_q5_k(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q5_K, w, blocks, to);
}

function codes_q6_k(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q6_K, w, blocks, to);
}

function codes_q3_k(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q3_K, w, blocks, to);
}

function codes_q2_k(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q2_K, w, blocks, to);
}

function codes_q8_0(w: usize, blocks: i32, to: usize): void {
  unpack(L_Q8_0, w, blocks, to);
}

function codes_wide(w: usize, blocks: i32, to: usize): void {
  unpack(L_WIDE, w, blocks, to);
}

function batch(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(1, false, false, false, codes, blocks, x, out, shift, zero);
}

function batch_minimum(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(1, true, false, false, codes, blocks, x, out, shift, zero);
}

function batch_narrow(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(1, false, true, false, codes, blocks, x, out, shift, zero);
}

function batch_narrow_minimum(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(1, true, true, false, codes, blocks, x, out, shift, zero);
}

function batch_halves(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(2, false, false, false, codes, blocks, x, out, shift, zero);
}

function batch_halves_minimum(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(2, true, false, false, codes, blocks, x, out, shift, zero);
}

function batch_split(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(1, false, false, true, codes, blocks, x, out, shift, zero);
}

function batch_halves_split(codes: usize, blocks: i32, x: usize, out: usize, shift: i32, zero: i32): void {
  gemm(2, false, false, true, codes, blocks, x, out, shift, zero);
}

function vector_f32(w: usize, groups: i32, cols: i32, x: usize, out: usize): void {
  floatGemv(L_F32, w, groups, cols, x, out);
}

function batch_f32(w: usize, cols: i32, x: usize, out: usize): void {
  floatGemm(L_F32, w, cols, x, out);
}

function vector_f16(w: usize, groups: i32, cols: i32, x: usize, out: usize): void {
  floatGemv(L_F16, w, groups, cols, x, out);
}

function batch_f16(w: usize, cols: i32, x: usize, out: usize): void {
  floatGemm(L_F16, w, cols, x, out);
}

function vector_bf16(w: usize, groups: i32, cols: i32, x: usize, out: usize): void {
  floatGemv(L_BF16, w, groups, cols, x, out);
}

function batch_bf16(w: usize, cols: i32, x: usize, out: usize): void {
  floatGemm(L_BF16, w, cols, x, out);
}

/** out[8 · groups] = rows times one token. `mode`: how 8-bit codes are read. */
export function multiplyVector(layout: i32, mode: i32, w: usize, groups: i32, cols: i32, x: usize, out: usize): void {
  const blocks = cols >> 5, stride = groupBytes(layout, cols), zero = mode == BYTES_SIGNED ? 0 : -1;
  switch (layout) {
    case L_Q4_0: return vector_q4_0(w, stride, groups, blocks, x, out, zero);
    case L_Q4_1: return vector_q4_1(w, stride, groups, blocks, x, out, zero);
    case L_Q5_0: return vector_q5_0(w, stride, groups, blocks, x, out, zero);
    case L_Q5_1: return vector_q5_1(w, stride, groups, blocks, x, out, zero);
    case L_Q4_K: return vector_q4_k(w, stride, groups, blocks, x, out, zero);
    case L_Q5_K: return vector_q5_k(w, stride, groups, blocks, x, out, zero);
    case L_Q6_K: return vector_q6_k(w, stride, groups, blocks, x, out, zero);
    case L_Q3_K: return vector_q3_k(w, stride, groups, blocks, x, out, zero);
    case L_Q2_K: return vector_q2_k(w, stride, groups, blocks, x, out, zero);
    case L_Q8_0:
      if (LEVEL != 0 && mode == BYTES_SPLIT) return vector_q8_0_split(w, stride, groups, blocks, x, out, zero);
      return vector_q8_0(w, stride, groups, blocks, x, out, zero);
    case L_WIDE:
      if (LEVEL != 0 && mode == BYTES_SPLIT) return vector_wide_split(w, stride, groups, blocks, x, out, zero);
      return vector_wide(w, stride, groups, blocks, x, out, zero);
    case L_F32: return vector_f32(w, groups, cols, x, out);
    case L_F16: return vector_f16(w, groups, cols, x, out);
    case L_BF16: return vector_bf16(w, groups, cols, x, out);
  }
}

/** Bytes of eight rows as `multiplyBatch` wants them; 0 for float layouts, which it takes as they lie. */
export function unpackedBytes(layout: i32, cols: i32): usize {
  if (isFloat(layout)) return 0;
  return <usize>(cols >> 5) * <usize>passesOf(layout) * codeBytes(2 * stepsOf(layout), hasMinimum(layout));
}

/** Eight packed rows as `multiplyBatch` wants them: unpacked to `to`, floats left where they are. Says where. */
export function unpackRows(layout: i32, w: usize, cols: i32, to: usize): usize {
  if (isFloat(layout)) return w;
  const blocks = cols >> 5;
  switch (layout) {
    case L_Q4_0:
      codes_q4_0(w, blocks, to);
      break;
    case L_Q4_1:
      codes_q4_1(w, blocks, to);
      break;
    case L_Q5_0:
      codes_q5_0(w, blocks, to);
      break;
    case L_Q5_1:
      codes_q5_1(w, blocks, to);
      break;
    case L_Q4_K:
      codes_q4_k(w, blocks, to);
      break;
    case L_Q5_K:
      codes_q5_k(w, blocks, to);
      break;
    case L_Q6_K:
      codes_q6_k(w, blocks, to);
      break;
    case L_Q3_K:
      codes_q3_k(w, blocks, to);
      break;
    case L_Q2_K:
      codes_q2_k(w, blocks, to);
      break;
    case L_Q8_0:
      codes_q8_0(w, blocks, to);
      break;
    case L_WIDE:
      codes_wide(w, blocks, to);
      break;
  }
  return to;
}

/** out[4][8] at a stride of UNIT = eight rows, as `unpackRows` gives them, times four tokens. */
export function multiplyBatch(layout: i32, mode: i32, rows: usize, cols: i32, x: usize, out: usize): void {
  const blocks = cols >> 5, shift = zeroShift(layout);
  switch (layout) {
    case L_F32: return batch_f32(rows, cols, x, out);
    case L_F16: return batch_f16(rows, cols, x, out);
    case L_BF16: return batch_bf16(rows, cols, x, out);
    case L_Q4_0:
      return LEVEL == RELAXED16 ? batch_narrow(rows, blocks, x, out, shift, -1) : batch(rows, blocks, x, out, shift, -1);
    case L_Q5_0: return batch(rows, blocks, x, out, shift, -1);
    case L_Q4_1:
      return LEVEL == RELAXED16 ? batch_narrow_minimum(rows, blocks, x, out, 0, 0) : batch_minimum(rows, blocks, x, out, 0, 0);
    case L_Q5_1:
    case L_Q4_K:
    case L_Q5_K: return batch_minimum(rows, blocks, x, out, 0, 0);
    case L_Q6_K:
    case L_Q3_K: return batch_halves(rows, blocks, x, out, shift, -1);
    case L_Q2_K: return batch_halves_minimum(rows, blocks, x, out, 0, 0);
  }
  const split = LEVEL != PLAIN && mode == BYTES_SPLIT, zero = mode == BYTES_SIGNED ? 0 : -1;
  if (layout == L_Q8_0) return split ? batch_split(rows, blocks, x, out, shift, zero) : batch(rows, blocks, x, out, shift, zero);
  return split ? batch_halves_split(rows, blocks, x, out, shift, zero) : batch_halves(rows, blocks, x, out, shift, zero);
}
