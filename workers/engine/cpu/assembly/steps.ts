// Embedding, norm and product: the ops of a program but attention. Every thread runs them together, task by task.
import { BLOCK, normed, rms } from "./activate";
import { barrier, nextTask } from "./barrier";
import { activations, finish } from "./finish";
import { multiplyBatch, multiplyVector } from "./multiply";
import { readRow } from "./unpack";
import { isFloat } from "./tile";
import {
  C_ACTIVE, C_HEAD_COUNT, C_HEAD_FIRST, C_HEAD_PAD, C_IDS, C_SCRATCH, C_SCRATCH_BYTES, C_TOKENS, FLAG_FLOATS, FLAG_HEAD, FLAG_OWN, FLAG_QUANTS,
  OP_BYTES, OP_BYTES_MODE, OP_EPSILON, OP_FLAGS, OP_GROUP_BYTES, OP_IN, OP_IN_FLOATS, OP_LAYOUT, OP_OUT, OP_OUT_FLOATS, OP_UNITS, OP_WEIGHT, OP_WIDTH, PART_BYTES, PART_DATA,
  PART_GROUP_BYTES, PART_LAYOUT, PART_ROWS, PART_THEN, PART_UNITS, S_ATTEND, S_OUT, S_OUT_UP, THEN_PAIR, TILE_ROWS, UNIT,
} from "./words";

@inline
export function scratchOf(thread: i32): usize {
  return load<usize>(C_SCRATCH) + <usize>thread * load<usize>(C_SCRATCH_BYTES);
}

/** A thread's own activations, for one token: int8 blocks; floats behind them. */
@inline
function ownQuants(thread: i32): usize {
  return scratchOf(thread) + S_ATTEND + <usize>(3 * TILE_ROWS * 4) * load<i32>(C_HEAD_PAD);
}

@inline
function ownFloats(thread: i32, width: i32): usize {
  return ownQuants(thread) + <usize>((width + 31) >> 5) * BLOCK;
}

/** hidden[token] = the token's row of the embedding. */
export function embed(op: usize): void {
  const tokens = load<i32>(C_TOKENS), width = load<i32>(op, OP_WIDTH);
  for (let token = nextTask(op); token < tokens; token = nextTask(op)) {
    const row = load<i32>(load<usize>(C_IDS) + (<usize>token << 2));
    const group = load<usize>(op, OP_WEIGHT) + <usize>(row >> 3) * load<usize>(op, OP_GROUP_BYTES);
    const out = load<usize>(op, OP_IN) + ((<usize>token * width) << 2);
    readRow(load<i32>(op, OP_LAYOUT), load<i32>(op, OP_BYTES_MODE), group, row & 7, width, out);
  }
  barrier(op);
}

/** Activations of in[token], normed where the op has weights. One token: every thread for itself, without a barrier. */
export function norm(op: usize, thread: i32): void {
  const flags = load<i32>(op, OP_FLAGS), width = load<i32>(op, OP_WIDTH);
  const first = flags & FLAG_HEAD ? load<i32>(C_HEAD_FIRST) : 0;
  const tokens = flags & FLAG_HEAD ? load<i32>(C_HEAD_COUNT) : load<i32>(C_TOKENS);
  const from = load<usize>(op, OP_IN) + ((<usize>first * width) << 2);
  if (tokens == 1) return normToken(op, from, 0, 1, ownQuants(thread), ownFloats(thread, width), thread);
  const quants = load<usize>(op, OP_OUT), floats = load<usize>(op, OP_OUT_FLOATS);
  for (let token = nextTask(op); token < tokens; token = nextTask(op)) {
    normToken(op, from + ((<usize>token * width) << 2), token, 4, quants, floats, thread);
  }
  barrier(op);
}

function normToken(op: usize, x: usize, token: i32, lanes: i32, quants: usize, floats: usize, thread: i32): void {
  const width = load<i32>(op, OP_WIDTH), weight = load<usize>(op, OP_WEIGHT), flags = load<i32>(op, OP_FLAGS);
  const factor = weight ? rms(x, width, load<f32>(op, OP_EPSILON)) : 1;
  const block = scratchOf(thread) + S_OUT;
  for (let col = 0; col < width; col += UNIT) {
    const n = min<i32>(UNIT, width - col);
    for (let i = 0; i < n; i += 4) {
      const at = <usize>(col + i) << 2;
      v128.store(block + (<usize>i << 2), normed(x, weight, f32x4.splat(factor), at));
    }
    activations(block, col, n, token, lanes, width, flags, quants, floats);
  }
}

/** All parts of a product, in units of UNIT rows, each with what follows it. */
export function matmul(op: usize, thread: i32): void {
  const flags = load<i32>(op, OP_FLAGS), units = load<i32>(op, OP_UNITS);
  const tokens = flags & FLAG_HEAD ? load<i32>(C_HEAD_COUNT) : load<i32>(C_TOKENS);
  const lanes = tokens == 1 ? 1 : 4;
  // One token: runs of units, about eight a thread, so that taking them costs little and the last one ends soon.
  // Many tokens: a unit of rows by a span of tokens.
  const active = load<i32>(C_ACTIVE);
  const run = tokens == 1 ? max<i32>(1, units / (active * 8)) : 1;
  const spans = tokens == 1 ? 1 : (tokens + SPAN - 1) / SPAN;
  const tasks = ((units + run - 1) / run) * spans;
  for (let task = nextTask(op); task < tasks; task = nextTask(op)) {
    const from = (task / spans) * run, span = task % spans;
    const to = min<i32>(units, from + run);
    const firstToken = span * SPAN, lastToken = min<i32>(tokens, firstToken + SPAN);
    for (let unit = from; unit < to; unit++) rows(op, unit, firstToken, lastToken, lanes, thread);
  }
  barrier(op);
}

const SPAN: i32 = 64; // tokens of a task

function rows(op: usize, unit: i32, first: i32, last: i32, lanes: i32, thread: i32): void {
  let part = op + OP_BYTES;
  while (unit >= load<i32>(part, PART_UNITS)) {
    unit -= load<i32>(part, PART_UNITS);
    part += load<i32>(part, PART_THEN) == THEN_PAIR ? 2 * PART_BYTES : PART_BYTES;
  }
  const scratch = scratchOf(thread), row = unit * UNIT;
  for (let token = first; token < last; token += lanes) {
    product(op, part, row, token, lanes, scratch + S_OUT, thread);
    if (load<i32>(part, PART_THEN) == THEN_PAIR) product(op, part + PART_BYTES, row, token, lanes, scratch + S_OUT_UP, thread);
    finish(part, scratch, row, token, min<i32>(lanes, last - token), lanes);
  }
}

/** UNIT rows times one token, or a tile of four. */
function product(op: usize, part: usize, row: i32, token: i32, lanes: i32, out: usize, thread: i32): void {
  const layout = load<i32>(part, PART_LAYOUT), mode = load<i32>(op, OP_BYTES_MODE), width = load<i32>(op, OP_WIDTH);
  const groupBytes = load<usize>(part, PART_GROUP_BYTES);
  const groups = min<i32>(UNIT / 8, (load<i32>(part, PART_ROWS) - row + 7) >> 3);
  const tile = <usize>(token / lanes);
  const own = lanes == 1 && load<i32>(op, OP_FLAGS) & FLAG_OWN;
  let x: usize;
  if (isFloat(layout)) x = own ? ownFloats(thread, width) : load<usize>(op, OP_IN_FLOATS) + ((tile * width * lanes) << 2);
  else x = own ? ownQuants(thread) : load<usize>(op, OP_IN) + tile * (width >> 5) * lanes * BLOCK;
  let w = load<usize>(part, PART_DATA) + <usize>(row >> 3) * groupBytes;
  if (lanes == 1) return multiplyVector(layout, mode, w, groups, width, x, out);
  for (let g = 0; g < groups; g++) {
    multiplyBatch(layout, mode, w, width, x, out);
    w += groupBytes;
    out += 32;
  }
}
