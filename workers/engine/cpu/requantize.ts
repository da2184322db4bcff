// Types without kernels of their own become 8-bit codes with a 16-bit scale for every 16 weights. Their values are small
// integers of a codebook times a scale, so a scale is looked for that makes the codes whole numbers: then only the
// scale's rounding to 11 bits is lost. Where there is none, the nearest of 255 steps is taken.

/** Bytes of 32 requantized weights: two scales, 32 int8. */
export const WIDE_BLOCK_BYTES = 36;
const GROUP = 16;
/** A code counts as whole when it is so near: codebooks have steps of 1, decoders round to 24 bits. */
const WHOLE = 0.01;

/** Packs rows of weights; values.length is a multiple of 32, out has WIDE_BLOCK_BYTES for each 32. */
export function requantize(values: Float32Array, out: Uint8Array): void {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  for (let i = 0, at = 0; i < values.length; i += 2 * GROUP, at += WIDE_BLOCK_BYTES) {
    for (let half = 0; half < 2; half++) {
      const from = i + half * GROUP;
      const scale = toHalf(scaleOf(values, from));
      view.setUint16(at + 2 * half, scale.bits, true);
      const inverse = scale.value > 0 ? 1 / scale.value : 0;
      for (let k = 0; k < GROUP; k++) {
        const code = Math.round(values[from + k]! * inverse);
        view.setInt8(at + 4 + half * GROUP + k, Math.max(-127, Math.min(127, code)));
      }
    }
  }
}

/** The scale of 16 weights: the largest that makes all of them whole multiples, else amax / 127. */
function scaleOf(values: Float32Array, from: number): number {
  let most = 0;
  for (let k = 0; k < GROUP; k++) most = Math.max(most, Math.abs(values[from + k]!));
  if (most === 0) return 0;
  for (let top = 1; top <= 127; top++) {
    const perStep = top / most;
    let whole = true;
    for (let k = 0; k < GROUP && whole; k++) {
      const code = values[from + k]! * perStep;
      whole = Math.abs(code - Math.round(code)) < WHOLE;
    }
    if (whole) return most / top;
  }
  return most / 127;
}

/** Nearest half of bias 25 (assembly/half.ts) of a number of at least 0, and what it is worth. */
function toHalf(value: number): { bits: number; value: number } {
  if (value < 2 ** -24) return { bits: 0, value: 0 };
  const exponent = Math.floor(Math.log2(value));
  const mantissa = Math.round(value / 2 ** (exponent - 10)); // 1024 to 2048
  return { bits: Math.min(0x7fff, mantissa + (exponent + 24) * 1024), value: mantissa * 2 ** (exponent - 10) };
}
