// What is added to a product's outputs before anything becomes of them: a bias, and the low-rank changes of adapters.
// b lies by units of outputs, [rows / UNIT][rank][UNIT], so that a unit is a sum of vectors and nothing is summed across.
// Source: Hu et al., "LoRA", equation 3.
import { madd } from "./level";
import {
  ADDEND_BIAS, ADDEND_BYTES, ADDEND_COUNT, CHANGE_B, CHANGE_BYTES, CHANGE_RANK, CHANGE_SCALE, CHANGE_T, UNIT,
} from "./words";

/** y[UNIT] += bias, and scale · b · t of each change, for rows row … row + n of a token. */
export function addAll(addend: usize, y: usize, row: i32, n: i32, token: i32): void {
  const bias = load<usize>(addend, ADDEND_BIAS);
  if (bias) {
    const from = bias + (<usize>row << 2);
    for (let i: usize = 0; i < <usize>n << 2; i += 16) v128.store(y + i, f32x4.add(v128.load(y + i), v128.load(from + i)));
  }
  const end = addend + ADDEND_BYTES + <usize>load<i32>(addend, ADDEND_COUNT) * CHANGE_BYTES;
  for (let change = addend + ADDEND_BYTES; change < end; change += CHANGE_BYTES) {
    const rank = load<i32>(change, CHANGE_RANK), t = load<usize>(change, CHANGE_T) + (<usize>(token * rank) << 2);
    const b = load<usize>(change, CHANGE_B) + <usize>(row / UNIT * rank) * (UNIT * 4);
    addChange(y, b, t, rank, f32x4.splat(load<f32>(change, CHANGE_SCALE)));
  }
}

function addChange(y: usize, b: usize, t: usize, rank: i32, scale: v128): void {
  let y0 = v128.load(y), y1 = v128.load(y, 16), y2 = v128.load(y, 32), y3 = v128.load(y, 48);
  let y4 = v128.load(y, 64), y5 = v128.load(y, 80), y6 = v128.load(y, 96), y7 = v128.load(y, 112);
  for (const end = t + (<usize>rank << 2); t < end; t += 4) {
    const x = f32x4.mul(v128.load32_splat(t), scale);
    y0 = madd(v128.load(b), x, y0);
    y1 = madd(v128.load(b, 16), x, y1);
    y2 = madd(v128.load(b, 32), x, y2);
    y3 = madd(v128.load(b, 48), x, y3);
    y4 = madd(v128.load(b, 64), x, y4);
    y5 = madd(v128.load(b, 80), x, y5);
    y6 = madd(v128.load(b, 96), x, y6);
    y7 = madd(v128.load(b, 112), x, y7);
    b += UNIT * 4;
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
  v128.store(y, y2, 32);
  v128.store(y, y3, 48);
  v128.store(y, y4, 64);
  v128.store(y, y5, 80);
  v128.store(y, y6, 96);
  v128.store(y, y7, 112);
}
