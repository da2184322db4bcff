// 16-bit floats: the scales of most formats. IEEE binary16: sign 1, exponent 5 (bias 15), mantissa 10.

/** The value of every half, by its 16 bits: HALF[bytes[i] | (bytes[i + 1] << 8)]. A table, because a lookup is all a block can afford. */
export const HALF = Float32Array.from({ length: 65536 }, (_, bits) => valueOf(bits));

function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  if (exponent === 0) return sign * mantissa * 2 ** -24; // subnormal
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The bits of the half nearest to x, ties to even. Beyond 65,520 it is infinite. */
export function halfBits(x: number): number {
  float[0] = x;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 65,536 or more
  if (magnitude < 0x38800000) {
    // Below 2^-14: a multiple of 2^-24. Adding 0.5 leaves just those bits in the mantissa, rounded by the addition.
    float[0] = Math.abs(float[0]) + 0.5;
    return sign | (word[0]! - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return sign | ((rounded - 0x38000000) >> 13);
}

/** Writes the half nearest to x at bytes[at], and gives the value written. */
export function writeHalf(bytes: Uint8Array, at: number, x: number): number {
  const bits = halfBits(x);
  bytes[at] = bits;
  bytes[at + 1] = bits >> 8;
  return HALF[bits]!;
}
