// GGUF rows to packed rows, eight at a time. First a block of 32 codes per row, one byte each, is laid out word by word;
// then words are packed as tile.ts draws them. Source of the GGUF layouts: ggml/src/ggml-common.h.
import { toScale } from "./half";
import { readBlock, sourceBytes } from "./source";
import { bitsOf, hasMinimum, isSuper, passBytes, passesOf, scaleBytes, stepsOf, superBytes, tileBytes } from "./tile";
import { BYTES_SIGNED, C_FAULT, L_BF16, L_F16, L_F32 } from "./words";

/**
 * Packs `rows` GGUF rows at `from` to `to`, which gets whole groups of eight. Rows that are missing become zeros.
 * `work`: 1 KiB. Sets C_FAULT where a scale is too large for a half of bias 25 (128 or more).
 */
export function repack(layout: i32, mode: i32, from: usize, rows: i32, cols: i32, to: usize, work: usize): void {
  if (layout >= L_F32) return repackFloats(layout, from, rows, cols, to);
  const rowBytes = <usize>(cols >> 5) * sourceBytes(layout) / (isSuper(layout) ? 8 : 1);
  for (let row = 0; row < rows; row += 8) {
    const n = min<i32>(8, rows - row);
    for (let tile = 0; tile < cols >> 5; tile++) {
      let factors = to;
      if (isSuper(layout) && !(tile & 7)) {
        memory.fill(factors, 0, superBytes(layout));
        to += superBytes(layout);
      }
      memory.fill(work, 0, 256);
      const scales = to + <usize>passesOf(layout) * passBytes(layout);
      memory.fill(scales, 0, scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1));
      for (let r = 0; r < n; r++) {
        readBlock(layout, from + <usize>r * rowBytes, tile, r, work + 256, scales, factors);
        for (let word = 0; word < 8; word++) {
          store<u32>(work + (word << 5) + (r << 2), load<u32>(work + 256 + (word << 2)));
        }
      }
      if (bitsOf(layout) == 8 && mode != BYTES_SIGNED) flip(work);
      for (let pass = 0; pass < passesOf(layout); pass++) {
        pack(layout, work + 128 * pass, to);
        to += passBytes(layout);
      }
      to += scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
    }
    from += <usize>n * rowBytes;
  }
}

/** Signed bytes become unsigned ones around 128. */
function flip(work: usize): void {
  for (let i: usize = 0; i < 256; i += 16) v128.store(work + i, v128.xor(v128.load(work + i), i8x16.splat(-128)));
}

/** Words of codes, [word][8 rows][4], to the planes of a pass. */
function pack(layout: i32, words: usize, to: usize): void {
  const steps = stepsOf(layout), bits = bitsOf(layout);
  const high = to + (steps << 5);
  if (bits != 4 && bits != 8) memory.fill(high, 0, 32);
  for (let j = 0; j < steps; j++) {
    for (let half: usize = 0; half < 32; half += 16) {
      const lo = v128.load(words + (j << 5) + half), hi = v128.load(words + ((j + steps) << 5) + half);
      if (bits == 8) {
        v128.store(to + (j << 6) + half, lo);
        v128.store(to + (j << 6) + 32 + half, hi);
        continue;
      }
      const nibble = i8x16.splat(15);
      v128.store(to + (j << 5) + half, v128.or(v128.and(lo, nibble), i8x16.shl(v128.and(hi, nibble), 4)));
      if (bits == 4) continue;
      const more = v128.or(i8x16.shr_u(lo, 4), i8x16.shl(i8x16.shr_u(hi, 4), 4));
      v128.store(high + half, v128.or(v128.load(high + half), i8x16.shl(more, j * (bits - 4))));
    }
  }
}

/** Floats keep their bits; eight rows are interleaved column by column. */
function repackFloats(layout: i32, from: usize, rows: i32, cols: i32, to: usize): void {
  const size: usize = layout == L_F32 ? 4 : 2;
  for (let row = 0; row < rows; row += 8) {
    for (let k = 0; k < cols; k++) {
      for (let r = 0; r < 8; r++) {
        const at = from + <usize>(r * cols + k) * size;
        if (size == 4) store<u32>(to, row + r < rows ? load<u32>(at) : 0);
        else store<u16>(to, row + r < rows ? load<u16>(at) : 0);
        to += size;
      }
    }
    from += <usize>(8 * cols) * size;
  }
}

/** An f16 of the file as a scale of ours, stored as number r of eight. */
export function putScale(half: u32, scales: usize, r: i32): void {
  const scale = toScale(half);
  if (scale == 0xffffffff) store<i32>(C_FAULT, 1);
  store<u16>(scales + (r << 1), <u16>scale);
}
