// The table of kernels: one function a layout, so that each is compiled by itself.
import { gemm } from "./gemm";
import { gemv } from "./gemv";
import { floatGemm, floatGemv } from "./floats";
import { groupBytes } from "./tile";
import {
  BYTES_SPLIT, BYTES_UNSIGNED, BYTES_SIGNED, L_BF16, L_F16, L_F32, L_Q2_K, L_Q3_K, L_Q4_0, L_Q4_1, L_Q4_K, L_Q5_0, L_Q5_1, L_Q5_K,
  L_Q6_K, L_Q8_0, L_WIDE,
} from "./words";

function vector_q4_0(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q4_0, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q4_0(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q4_0, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q4_1(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q4_1, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q4_1(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q4_1, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q5_0(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q5_0, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q5_0(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q5_0, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q5_1(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q5_1, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q5_1(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q5_1, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q4_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q4_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q4_k(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q4_K, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q5_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q5_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q5_k(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q5_K, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q6_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q6_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q6_k(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q6_K, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q3_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q3_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q3_k(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q3_K, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q2_k(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q2_K, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q2_k(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q2_K, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q8_0(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q8_0, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_q8_0(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q8_0, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_q8_0_split(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_Q8_0, BYTES_SPLIT, w, stride, groups, blocks, x, out, zero);
}

function batch_q8_0_split(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_Q8_0, BYTES_SPLIT, w, blocks, x, out, zero);
}

function vector_wide(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_WIDE, BYTES_UNSIGNED, w, stride, groups, blocks, x, out, zero);
}

function batch_wide(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_WIDE, BYTES_UNSIGNED, w, blocks, x, out, zero);
}

function vector_wide_split(w: usize, stride: usize, groups: i32, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemv(L_WIDE, BYTES_SPLIT, w, stride, groups, blocks, x, out, zero);
}

function batch_wide_split(w: usize, blocks: i32, x: usize, out: usize, zero: i32): void {
  gemm(L_WIDE, BYTES_SPLIT, w, blocks, x, out, zero);
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

/** out[4][8] at a stride of UNIT = eight rows times four tokens. */
export function multiplyBatch(layout: i32, mode: i32, w: usize, cols: i32, x: usize, out: usize): void {
  const blocks = cols >> 5, zero = mode == BYTES_SIGNED ? 0 : -1;
  switch (layout) {
    case L_Q4_0: return batch_q4_0(w, blocks, x, out, zero);
    case L_Q4_1: return batch_q4_1(w, blocks, x, out, zero);
    case L_Q5_0: return batch_q5_0(w, blocks, x, out, zero);
    case L_Q5_1: return batch_q5_1(w, blocks, x, out, zero);
    case L_Q4_K: return batch_q4_k(w, blocks, x, out, zero);
    case L_Q5_K: return batch_q5_k(w, blocks, x, out, zero);
    case L_Q6_K: return batch_q6_k(w, blocks, x, out, zero);
    case L_Q3_K: return batch_q3_k(w, blocks, x, out, zero);
    case L_Q2_K: return batch_q2_k(w, blocks, x, out, zero);
    case L_Q8_0:
      if (LEVEL != 0 && mode == BYTES_SPLIT) return batch_q8_0_split(w, blocks, x, out, zero);
      return batch_q8_0(w, blocks, x, out, zero);
    case L_WIDE:
      if (LEVEL != 0 && mode == BYTES_SPLIT) return batch_wide_split(w, blocks, x, out, zero);
      return batch_wide(w, blocks, x, out, zero);
    case L_F32: return batch_f32(w, cols, x, out);
    case L_F16: return batch_f16(w, cols, x, out);
    case L_BF16: return batch_bf16(w, cols, x, out);
  }
}
