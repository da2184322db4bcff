// One row out of packed weights, as exact floats: the embedding of a token.
import { SCALE_UNIT, widen } from "./half";
import { bitsOf, hasMinimum, isSuper, passBytes, passesOf, scaleBytes, stepsOf, superBytes, zeroShift } from "./tile";
import { BYTES_SIGNED, L_BF16, L_F16, L_F32, L_Q4_K, L_Q5_K, L_Q2_K } from "./words";

/** out[cols] = row `row` (0 to 7) of the group of packed rows at `at`. */
export function readRow(layout: i32, mode: i32, at: usize, row: i32, cols: i32, out: usize): void {
  if (layout >= L_F32) return readFloats(layout, at, row, cols, out);
  const zero = zeroShift(layout) < 0 || mode == BYTES_SIGNED && bitsOf(layout) == 8 ? 0 : 1 << zeroShift(layout);
  const width = 32 / passesOf(layout);
  let d: f32 = 1, e: f32 = 1;
  for (let col = 0; col < cols; col += 32) {
    if (isSuper(layout) && !(col & 255)) {
      d = widen(load<u16>(at + (row << 1))) * SCALE_UNIT;
      if (hasMinimum(layout)) e = widen(load<u16>(at + 16 + (row << 1))) * SCALE_UNIT;
      at += superBytes(layout);
    }
    const scales = at + <usize>passesOf(layout) * passBytes(layout);
    for (let pass = 0; pass < passesOf(layout); pass++) {
      const scale = scaleAt(layout, scales, pass, row) * d;
      const least = hasMinimum(layout) ? scaleAt(layout, scales + scaleBytes(layout), pass, row) * e : 0;
      for (let k = 0; k < width; k++) {
        let code = codeAt(layout, at, row, k);
        if (mode == BYTES_SIGNED && bitsOf(layout) == 8) code = <i32><i8>code;
        const value = <f32>(code - zero) * scale;
        store<f32>(out, hasMinimum(layout) ? (isSuper(layout) ? value - least : value + least) : value);
        out += 4;
      }
      at += passBytes(layout);
    }
    at += scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
  }
}

function scaleAt(layout: i32, scales: usize, pass: i32, row: i32): f32 {
  if (!isSuper(layout)) return widen(load<u16>(scales + (pass << 4) + (row << 1))) * SCALE_UNIT;
  const at = scales + (pass << 3) + row;
  return layout == L_Q4_K || layout == L_Q5_K || layout == L_Q2_K ? <f32>load<u8>(at) : <f32>load<i8>(at);
}

/** Code of column k of a pass. */
function codeAt(layout: i32, pass: usize, row: i32, k: i32): i32 {
  const steps = stepsOf(layout), word = k >> 2, high = word >= steps, j = high ? word - steps : word;
  const byte = (row << 2) + (k & 3);
  if (bitsOf(layout) == 8) return load<u8>(pass + (j << 6) + (high ? 32 : 0) + byte);
  const pair = <i32>load<u8>(pass + (j << 5) + byte);
  const low = high ? pair >> 4 : pair & 15;
  if (bitsOf(layout) == 4) return low;
  const more = <i32>load<u8>(pass + (steps << 5) + byte) >> (j * (bitsOf(layout) - 4));
  const mask = bitsOf(layout) == 5 ? 0x10 : 0x30;
  return low | ((high ? more : more << 4) & mask);
}

function readFloats(layout: i32, at: usize, row: i32, cols: i32, out: usize): void {
  for (let k = 0; k < cols; k++) {
    let value: f32;
    if (layout == L_F32) value = load<f32>(at + (<usize>k << 5) + (row << 2));
    else {
      const bits = <u32>load<u16>(at + (<usize>k << 4) + (row << 1));
      if (layout == L_BF16) value = reinterpret<f32>(bits << 16);
      else value = reinterpret<f32>(((bits & 0x8000) << 16) | ((bits & 0x7fff) << 13)) * reinterpret<f32>((127 + 112) << 23);
    }
    store<f32>(out + (<usize>k << 2), value);
  }
}
