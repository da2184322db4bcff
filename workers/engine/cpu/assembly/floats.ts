// y = W·x with float weights and float activations: F32, F16 and BF16 files. Eight rows are interleaved, column by column.
import { madd, zero } from "./level";
import { L_BF16, L_F16, L_F32, UNIT } from "./words";

const TOKEN: usize = UNIT * 4; // bytes from one token's outputs to the next one's

@inline
function columnBytes(layout: i32): usize {
  return layout == L_F32 ? 32 : 16;
}

/** Weights of one column, rows 0 to 3. */
@inline
function low(layout: i32, at: usize): v128 {
  if (layout == L_F32) return v128.load(at);
  if (layout == L_F16) return half(i32x4.extend_low_i16x8_s(v128.load(at)));
  return i32x4.shl(i32x4.extend_low_i16x8_u(v128.load(at)), 16);
}

/** Rows 4 to 7. */
@inline
function high(layout: i32, at: usize): v128 {
  if (layout == L_F32) return v128.load(at, 16);
  if (layout == L_F16) return half(i32x4.extend_high_i16x8_s(v128.load(at)));
  return i32x4.shl(i32x4.extend_high_i16x8_u(v128.load(at)), 16);
}

/** Sign-extended f16 bits to floats, denormals included: moved in place, then 2^112 for the difference in bias. */
@inline
function half(bits: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(bits, 13), i32x4.splat(0x8fffe000)), f32x4.splat(reinterpret<f32>((127 + 112) << 23)));
}

/** out[8 · groups] = packed rows times x[cols]. Two groups run side by side to hide the latency of the sums. */
@inline
export function floatGemv(layout: i32, w: usize, groups: i32, cols: i32, x: usize, out: usize): void {
  const stride = <usize>cols * columnBytes(layout);
  for (let g = 0; g < groups; g += 2) {
    const second = g + 1 < groups ? stride : 0;
    let y0 = zero(), y1 = zero(), y2 = zero(), y3 = zero();
    let at = w;
    for (let k = 0; k < cols; k++) {
      const v = v128.load32_splat(x + (<usize>k << 2));
      y0 = madd(low(layout, at), v, y0);
      y1 = madd(high(layout, at), v, y1);
      y2 = madd(low(layout, at + second), v, y2);
      y3 = madd(high(layout, at + second), v, y3);
      at += columnBytes(layout);
    }
    v128.store(out, y0);
    v128.store(out, y1, 16);
    if (second) {
      v128.store(out, y2, 32);
      v128.store(out, y3, 48);
    }
    w += 2 * stride;
    out += 64;
  }
}

/** out[4 tokens][8] at a stride of UNIT = packed rows times x[cols][4 tokens]. */
@inline
export function floatGemm(layout: i32, w: usize, cols: i32, x: usize, out: usize): void {
  let a0 = zero(), a1 = zero(), a2 = zero(), a3 = zero();
  let b0 = zero(), b1 = zero(), b2 = zero(), b3 = zero();
  for (let k = 0; k < cols; k++) {
    const a = low(layout, w), b = high(layout, w);
    let v = v128.load32_splat(x);
    a0 = madd(a, v, a0);
    b0 = madd(b, v, b0);
    v = v128.load32_splat(x, 4);
    a1 = madd(a, v, a1);
    b1 = madd(b, v, b1);
    v = v128.load32_splat(x, 8);
    a2 = madd(a, v, a2);
    b2 = madd(b, v, b2);
    v = v128.load32_splat(x, 12);
    a3 = madd(a, v, a3);
    b3 = madd(b, v, b3);
    w += columnBytes(layout);
    x += 16;
  }
  v128.store(out, a0);
  v128.store(out, b0, 16);
  v128.store(out + TOKEN, a1);
  v128.store(out + TOKEN, b1, 16);
  v128.store(out + 2 * TOKEN, a2);
  v128.store(out + 2 * TOKEN, b2, 16);
  v128.store(out + 3 * TOKEN, a3);
  v128.store(out + 3 * TOKEN, b3, 16);
}
