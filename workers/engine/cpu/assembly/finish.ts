// What becomes of the outputs of a product: stored, added, turned by their position, cached, or paired by SiLU.
import { BLOCK, quantizeBlock, siluTimes } from "./activate";
import { addAll } from "./addend";
import { toCache } from "./half";
import {
  C_AT, C_CACHE_WIDE, C_CONTEXT, C_HEAD_DIM, C_HEAD_PAD, C_KV_HEADS, C_ROPE, C_ROPE_DIMS, FLAG_FLOATS, FLAG_QUANTS, PART_ADDEND, PART_BYTES, PART_FLAGS, PART_OUT, PART_OUT_FLOATS,
  PART_ROWS, PART_THEN, RUN, THEN_ADD, THEN_PAIR, THEN_ROPE_K, THEN_ROPE_Q, THEN_STORE, THEN_V, UNIT,
} from "./words";

/**
 * Rows row … row + UNIT of tokens first … first + count, at `y` (and `up`, of a PAIR) a token after the other; `lanes` tokens share
 * a tile of activations.
 */
export function finish(part: usize, y: usize, up: usize, row: i32, first: i32, count: i32, lanes: i32): void {
  const rows = load<i32>(part, PART_ROWS);
  const n = min<i32>(UNIT, rows - row);
  const then = load<i32>(part, PART_THEN);
  const out = load<usize>(part, PART_OUT), addend = load<usize>(part, PART_ADDEND);
  for (let lane = 0; lane < count; lane++) {
    const token = first + lane;
    const to = out + ((<usize>token * rows + row) << 2);
    if (addend) addAll(addend, y, row, n, token);
    if (then == THEN_STORE) memory.copy(to, y, <usize>n << 2);
    else if (then == THEN_ADD) add(y, to, n);
    else if (then == THEN_ROPE_Q) turn(y, row, n, token);
    else if (then == THEN_ROPE_K) turn(y, row, n, token);
    if (then == THEN_ROPE_Q) memory.copy(to, y, <usize>n << 2);
    else if (then == THEN_ROPE_K) cacheKeys(y, out, row, n, load<i32>(C_AT) + token);
    else if (then == THEN_V) cacheValues(y, out, row, n, load<i32>(C_AT) + token);
    else if (then == THEN_PAIR) pair(part, y, up, row, n, token, lanes);
    y += UNIT * 4;
    up += UNIT * 4;
  }
}

function add(y: usize, to: usize, n: i32): void {
  let i: usize = 0;
  const bytes = <usize>n << 2;
  for (; i + 16 <= bytes; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(y + i)));
  for (; i < bytes; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(y + i));
}

/** Turns adjacent pairs of a head by the token's position. A unit starts at an even row. */
function turn(y: usize, row: i32, n: i32, token: i32): void {
  const headDim = load<i32>(C_HEAD_DIM), dims = load<i32>(C_ROPE_DIMS);
  const table = load<usize>(C_ROPE) + ((<usize>token * dims) << 2);
  let d = row % headDim;
  for (let i = 0; i < n; i += 2) {
    if (d < dims) {
      const c = load<f32>(table + (<usize>d << 2)), s = load<f32>(table + (<usize>d << 2), 4);
      const at = y + (<usize>i << 2);
      const x0 = load<f32>(at), x1 = load<f32>(at, 4);
      store<f32>(at, x0 * c - x1 * s);
      store<f32>(at, x0 * s + x1 * c, 4);
    }
    d += 2;
    if (d >= headDim) d = 0;
  }
}

/** Word number `at` of a cache, as a half or as it is. */
@inline
function cacheWord(cache: usize, at: usize, value: usize): void {
  if (load<i32>(C_CACHE_WIDE)) store<f32>(cache + (at << 2), load<f32>(value));
  else store<u16>(cache + (at << 1), <u16>toCache(load<f32>(value)));
}

/** Keys lie as [kv head][position / 8][head dim][8 positions]. */
function cacheKeys(y: usize, cache: usize, row: i32, n: i32, position: i32): void {
  const headDim = load<i32>(C_HEAD_DIM), tiles = load<i32>(C_CONTEXT) >> 3;
  let head = row / headDim, d = row % headDim;
  for (let i = 0; i < n; i++) {
    cacheWord(cache, ((<usize>(head * tiles + (position >> 3)) * headDim + d) << 3) + (position & 7), y + (<usize>i << 2));
    if (++d == headDim) {
      d = 0;
      head++;
    }
  }
}

/** Values lie as [kv head][position / RUN][head dim / 8][RUN positions][8 dims]. */
function cacheValues(y: usize, cache: usize, row: i32, n: i32, position: i32): void {
  const headDim = load<i32>(C_HEAD_DIM), strips = load<i32>(C_HEAD_PAD) >> 3, runs = load<i32>(C_CONTEXT) / RUN;
  let head = row / headDim, d = row % headDim;
  for (let i = 0; i < n; i++) {
    const strip = <usize>(head * runs + position / RUN) * strips + (d >> 3);
    cacheWord(cache, ((strip * RUN + position % RUN) << 3) + (d & 7), y + (<usize>i << 2));
    if (++d == headDim) {
      d = 0;
      head++;
    }
  }
}

/** silu(gate) · up, straight into the activations of the next product. */
function pair(part: usize, gate: usize, up: usize, row: i32, n: i32, token: i32, lanes: i32): void {
  const addend = load<usize>(part + PART_BYTES, PART_ADDEND);
  if (addend) addAll(addend, up, row, n, token);
  for (let i: usize = 0; i < <usize>(UNIT * 4); i += 16) v128.store(gate + i, siluTimes(v128.load(gate + i), v128.load(up + i)));
  const rows = load<i32>(part, PART_ROWS), flags = load<i32>(part, PART_FLAGS);
  activations(gate, row, n, token, lanes, rows, flags, load<usize>(part, PART_OUT), load<usize>(part, PART_OUT_FLOATS));
}

/** Writes columns col … col + n of a token's activations: int8 blocks, floats, or both. `v` may be read up to UNIT. */
export function activations(
  v: usize, col: i32, n: i32, token: i32, lanes: i32, width: i32, flags: i32, quants: usize, floats: usize,
): void {
  const lane = token % lanes, tile = token / lanes;
  if (flags & FLAG_QUANTS) {
    const block = <usize>(tile * (width >> 5) + (col >> 5)) * lanes;
    quantizeBlock(v, quants + block * BLOCK, lane, lanes);
  }
  if (flags & FLAG_FLOATS) {
    const at = floats + ((<usize>(tile * width + col) * lanes + lane) << 2);
    for (let i = 0; i < n; i++) store<f32>(at + ((<usize>i * lanes) << 2), load<f32>(v + (<usize>i << 2)));
  }
}
