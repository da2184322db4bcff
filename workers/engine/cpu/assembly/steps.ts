// Embedding, norm and product: the ops of a program but attention. Every thread runs them together, task by task.
import { BLOCK, normed, rms } from "./activate";
import { barrier, nextTask } from "./barrier";
import { activations, finish } from "./finish";
import { multiplyBatch, multiplyVector, unpackRows } from "./multiply";
import { readRow } from "./unpack";
import { isFloat } from "./tile";
import {
  C_ACTIVE, C_CODES, C_HEAD_COUNT, C_HEAD_FIRST, C_HEAD_PAD, C_IDS, C_SCRATCH, C_SCRATCH_BYTES, C_TOKENS, FLAG_FLOATS, FLAG_HEAD, FLAG_OWN, FLAG_QUANTS,
  OP_BYTES, OP_BYTES_MODE, OP_EPSILON, OP_FLAGS, OP_GROUP_BYTES, OP_IN, OP_IN_FLOATS, OP_LAYOUT, MOST_UNITS, OP_OUT, OP_OUT_FLOATS, OP_UNITS, OP_WEIGHT, OP_WIDTH, PART_BYTES, PART_DATA,
  PART_EXPERT_BYTES, PART_GROUP_BYTES, PART_LAYOUT, PART_ROWS, PART_THEN, PART_UNITS, RUN, S_ATTEND, S_OUT, S_OUT_UP, SPAN, THEN_PAIR, TILE_ROWS, UNIT,
} from "./words";

@inline
export function scratchOf(thread: i32): usize {
  return load<usize>(C_SCRATCH) + <usize>thread * load<usize>(C_SCRATCH_BYTES);
}

/** A thread's own activations, for one token: int8 blocks; floats behind them. */
@inline
function ownQuants(thread: i32): usize {
  return scratchOf(thread) + S_ATTEND + <usize>(3 * TILE_ROWS * 4 + RUN * 4) * load<i32>(C_HEAD_PAD);
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

/** Activations of one token, as number `token` of those that share tiles of `lanes`. */
export function normToken(op: usize, x: usize, token: i32, lanes: i32, quants: usize, floats: usize, thread: i32): void {
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
  if (tokens == 1) vectorTasks(op, units, thread);
  else batchTasks(op, units, tokens, thread);
  barrier(op);
}

/** Tasks of so many units for one token: as many of about the same length for each thread, so that the last ones end together. */
export function spanTasks(units: i32): i32 {
  const active = load<i32>(C_ACTIVE);
  return min<i32>(units, max<i32>(active == 1 ? 1 : active * SHARE, (units + MOST_UNITS - 1) / MOST_UNITS));
}

function vectorTasks(op: usize, units: i32, thread: i32): void {
  const tasks = spanTasks(units);
  for (let task = nextTask(op); task < tasks; task = nextTask(op)) {
    let unit = task * units / tasks;
    const to = (task + 1) * units / tasks;
    let part = op + OP_BYTES, before = 0; // units of the parts before this one
    while (unit < to) {
      const size = load<i32>(part, PART_UNITS);
      const n = min<i32>(to, before + size) - unit;
      if (n > 0) {
        vectorRows(op, part, unit - before, n, 0, 0, thread);
        unit += n;
      }
      before += size;
      part = following(part);
    }
  }
}

const SHARE: i32 = 2; // tasks of a thread: each one waits anew for its first lines, 189, 222 and 200 tokens/s with 4, 2 and 3

/** `count` units of a part, or of an expert's matrix, times number `index` of the inputs. */
export function vectorRows(op: usize, part: usize, unit: i32, count: i32, expert: i32, index: i32, thread: i32): void {
  const scratch = scratchOf(thread), row = unit * UNIT, rows = count * UNIT;
  vectorProduct(op, part, row, rows, expert, index, scratch + S_OUT, thread);
  if (load<i32>(part, PART_THEN) == THEN_PAIR) {
    vectorProduct(op, part + PART_BYTES, row, rows, expert, index, scratch + S_OUT_UP, thread);
  }
  for (let at = 0; at < rows; at += UNIT) {
    finish(part, scratch + S_OUT + (<usize>at << 2), scratch + S_OUT_UP + (<usize>at << 2), row + at, index, 1, 1);
  }
}

/** Many tokens: a task is a unit of rows by a span of tokens. */
function batchTasks(op: usize, units: i32, tokens: i32, thread: i32): void {
  const spans = (tokens + SPAN - 1) / SPAN, tasks = units * spans;
  for (let task = nextTask(op); task < tasks; task = nextTask(op)) {
    let unit = task / spans, part = op + OP_BYTES;
    while (unit >= load<i32>(part, PART_UNITS)) {
      unit -= load<i32>(part, PART_UNITS);
      part = following(part);
    }
    const first = (task % spans) * SPAN;
    batchUnit(op, part, unit * UNIT, first, min<i32>(tokens, first + SPAN), 0, thread);
  }
}

/** A unit of rows of a part, or of an expert's matrix, times tokens first … last, a multiple of four and at most SPAN of them. */
export function batchUnit(op: usize, part: usize, row: i32, first: i32, last: i32, expert: i32, thread: i32): void {
  const scratch = scratchOf(thread);
  batchRows(op, part, row, first, last, expert, scratch + S_OUT, thread);
  if (load<i32>(part, PART_THEN) == THEN_PAIR) batchRows(op, part + PART_BYTES, row, first, last, expert, scratch + S_OUT_UP, thread);
  for (let token = first; token < last; token += 4) {
    const at = <usize>(token - first) * (UNIT * 4);
    finish(part, scratch + S_OUT + at, scratch + S_OUT_UP + at, row, token, min<i32>(4, last - token), 4);
  }
}

@inline
function following(part: usize): usize {
  return part + (load<i32>(part, PART_THEN) == THEN_PAIR ? 2 * PART_BYTES : PART_BYTES);
}

/** Where an expert's rows start in a part; 0 stands for a part that has no experts. */
@inline
function rowsAt(part: usize, expert: i32, row: i32): usize {
  const groups = <usize>(row >> 3) * load<usize>(part, PART_GROUP_BYTES);
  return load<usize>(part, PART_DATA) + <usize>expert * load<usize>(part, PART_EXPERT_BYTES) + groups;
}

/** out[rows] = `rows` rows times one token. */
function vectorProduct(op: usize, part: usize, row: i32, rows: i32, expert: i32, index: i32, out: usize, thread: i32): void {
  const layout = load<i32>(part, PART_LAYOUT), width = load<i32>(op, OP_WIDTH), own = load<i32>(op, OP_FLAGS) & FLAG_OWN;
  const groups = min<i32>(rows >> 3, (load<i32>(part, PART_ROWS) - row + 7) >> 3);
  let x: usize;
  if (isFloat(layout)) x = own ? ownFloats(thread, width) : load<usize>(op, OP_IN_FLOATS) + (<usize>(index * width) << 2);
  else x = own ? ownQuants(thread) : load<usize>(op, OP_IN) + <usize>(index * (width >> 5)) * BLOCK;
  multiplyVector(layout, load<i32>(op, OP_BYTES_MODE), rowsAt(part, expert, row), groups, width, x, out);
}

/** out[token][UNIT] = UNIT rows times tokens first … last: eight rows are unpacked, then meet all tokens, four at a time. */
function batchRows(op: usize, part: usize, row: i32, first: i32, last: i32, expert: i32, out: usize, thread: i32): void {
  const layout = load<i32>(part, PART_LAYOUT), mode = load<i32>(op, OP_BYTES_MODE), width = load<i32>(op, OP_WIDTH);
  const tileBytes = isFloat(layout) ? <usize>width << 4 : <usize>(width >> 5) * 4 * BLOCK;
  const x = (isFloat(layout) ? load<usize>(op, OP_IN_FLOATS) : load<usize>(op, OP_IN)) + <usize>(first >> 2) * tileBytes;
  const codes = scratchOf(thread) + load<usize>(C_CODES), groupBytes = load<usize>(part, PART_GROUP_BYTES);
  const groups = min<i32>(UNIT / 8, (load<i32>(part, PART_ROWS) - row + 7) >> 3);
  let w = rowsAt(part, expert, row);
  for (let g = 0; g < groups; g++) {
    const rows = unpackRows(layout, w, width, codes);
    for (let token = first, tile = x, to = out; token < last; token += 4) {
      multiplyBatch(layout, mode, rows, width, tile, to);
      tile += tileBytes;
      to += 4 * UNIT * 4;
    }
    w += groupBytes;
    out += 32;
  }
}
