// A mixture of experts: a router chooses a few experts for each token, and each expert works on its tokens together.
// Tokens are sorted by expert into rows, each expert's from a multiple of four on, so that products see tiles as ever. Of one token
// each chosen expert makes a row. What experts give is added to a token in the order of its choice: the same bits always.
// Source: llama.cpp src/llama-graph.cpp, build_moe_ffn.
import { barrier, nextTask } from "./barrier";
import { exp2, LOG2E } from "./exp";
import { addTo } from "./prompt";
import { batchUnit, normToken, spanTasks, vectorRows } from "./steps";
import {
  C_TOKENS, OP_BYTES, OP_IN, OP_OUT, OP_OUT_FLOATS, OP_TABLE, OP_USED, OP_COUNT, OP_WIDTH, PART_UNITS, SPAN, T_CHOICE, T_COUNT, T_FIRST, T_OWNER, T_SHARE, UNIT,
} from "./words";

@inline
function word(table: usize, i: i32): i32 {
  return load<i32>(table + (<usize>i << 2));
}

@inline
function put(table: usize, i: i32, value: i32): void {
  store<i32>(table + (<usize>i << 2), value);
}

/** Chooses for all tokens, by the router's logits, and gives every choice its row. A task for one thread. */
export function route(op: usize): void {
  if (nextTask(op) == 0) {
    const tokens = load<i32>(C_TOKENS), count = load<i32>(op, OP_COUNT), used = load<i32>(op, OP_USED), table = load<usize>(op, OP_TABLE);
    for (let token = 0; token < tokens; token++) choose(load<usize>(op, OP_IN) + (<usize>(token * count) << 2), count, used, table, token);
    if (tokens == 1) takeRows(used, table);
    else sortRows(tokens * used, count, used, table);
  }
  barrier(op);
}

/** The experts with the largest logits, and their shares: softmax over the chosen. */
function choose(logits: usize, count: i32, used: i32, table: usize, token: i32): void {
  const choice = table + T_CHOICE + (<usize>(token * used) << 2), share = table + T_SHARE + (<usize>(token * used) << 2);
  let sum: f32 = 0, most: f32 = 0;
  for (let slot = 0; slot < used; slot++) {
    let best = -1, high: f32 = -Infinity;
    for (let expert = 0; expert < count; expert++) {
      const logit = load<f32>(logits + (<usize>expert << 2));
      if ((best < 0 || logit > high) && !isChosen(choice, slot, expert)) {
        best = expert;
        high = logit;
      }
    }
    if (!slot) most = high;
    const p = f32x4.extract_lane(exp2(f32x4.splat((high - most) * LOG2E)), 0);
    put(choice, slot, best);
    store<f32>(share + (<usize>slot << 2), p);
    sum += p;
  }
  for (let slot: usize = 0; slot < <usize>used << 2; slot += 4) store<f32>(share + slot, load<f32>(share + slot) / sum);
}

function isChosen(choice: usize, slots: i32, expert: i32): bool {
  for (let slot = 0; slot < slots; slot++) if (word(choice, slot) == expert) return true;
  return false;
}

/** One token: row and slot are the same; a row's owner is its expert. */
function takeRows(used: i32, table: usize): void {
  for (let slot = 0; slot < used; slot++) {
    put(table + T_OWNER, slot, word(table + T_CHOICE, slot));
    put(table + T_CHOICE, slot, slot);
  }
}

/** Many tokens: rows by expert; a row's owner is its token. Choices become rows. */
function sortRows(choices: i32, count: i32, used: i32, table: usize): void {
  for (let expert = 0; expert < count; expert++) put(table + T_COUNT, expert, 0);
  for (let i = 0; i < choices; i++) {
    const expert = word(table + T_CHOICE, i);
    put(table + T_COUNT, expert, word(table + T_COUNT, expert) + 1);
  }
  let row = 0;
  for (let expert = 0; expert < count; expert++) {
    put(table + T_FIRST, expert, row);
    row += (word(table + T_COUNT, expert) + 3) & ~3;
    put(table + T_COUNT, expert, 0);
  }
  for (let i = 0; i < choices; i++) {
    const expert = word(table + T_CHOICE, i), place = word(table + T_COUNT, expert);
    put(table + T_COUNT, expert, place + 1);
    row = word(table + T_FIRST, expert) + place;
    put(table + T_OWNER, row, i / used);
    put(table + T_CHOICE, i, row);
  }
}

/** Activations of many tokens, normed, in the order of the rows. One token's are each thread's own. */
export function gather(op: usize, thread: i32): void {
  const tokens = load<i32>(C_TOKENS), table = load<usize>(op, OP_TABLE), width = load<i32>(op, OP_WIDTH);
  if (tokens == 1) return;
  const choices = tokens * load<i32>(op, OP_USED), quants = load<usize>(op, OP_OUT), floats = load<usize>(op, OP_OUT_FLOATS);
  for (let i = nextTask(op); i < choices; i = nextTask(op)) {
    const row = word(table + T_CHOICE, i), token = word(table + T_OWNER, row);
    normToken(op, load<usize>(op, OP_IN) + ((<usize>token * width) << 2), row, 4, quants, floats, thread);
  }
  barrier(op);
}

/** The product of every expert with its rows. */
export function expertProducts(op: usize, thread: i32): void {
  if (load<i32>(C_TOKENS) == 1) vectorExperts(op, thread);
  else batchExperts(op, thread);
  barrier(op);
}

function vectorExperts(op: usize, thread: i32): void {
  const part = op + OP_BYTES, size = load<i32>(part, PART_UNITS), units = size * load<i32>(op, OP_USED), tasks = spanTasks(units);
  for (let task = nextTask(op); task < tasks; task = nextTask(op)) {
    let unit = task * units / tasks;
    const to = (task + 1) * units / tasks;
    while (unit < to) {
      const row = unit / size, n = min<i32>(to, (row + 1) * size) - unit;
      vectorRows(op, part, unit - row * size, n, word(load<usize>(op, OP_TABLE) + T_OWNER, row), row, thread);
      unit += n;
    }
  }
}

function batchExperts(op: usize, thread: i32): void {
  const part = op + OP_BYTES, size = load<i32>(part, PART_UNITS), count = load<i32>(op, OP_COUNT), table = load<usize>(op, OP_TABLE);
  let tasks = 0;
  for (let expert = 0; expert < count; expert++) tasks += size * spansOf(table, expert);
  for (let task = nextTask(op); task < tasks; task = nextTask(op)) {
    let expert = 0, rest = task;
    while (rest >= size * spansOf(table, expert)) rest -= size * spansOf(table, expert++);
    const spans = spansOf(table, expert), start = word(table + T_FIRST, expert), first = start + (rest % spans) * SPAN;
    const last = min<i32>(start + word(table + T_COUNT, expert), first + SPAN);
    batchUnit(op, part, rest / spans * UNIT, first, last, expert, thread);
  }
}

@inline
function spansOf(table: usize, expert: i32): i32 {
  return (word(table + T_COUNT, expert) + SPAN - 1) / SPAN;
}

/** hidden[token] += what its experts gave, times their shares. */
export function combine(op: usize): void {
  const tokens = load<i32>(C_TOKENS), used = load<i32>(op, OP_USED), table = load<usize>(op, OP_TABLE), bytes = <usize>load<i32>(op, OP_WIDTH) << 2;
  for (let token = nextTask(op); token < tokens; token = nextTask(op)) {
    for (let i = token * used; i < (token + 1) * used; i++) {
      const row = load<usize>(op, OP_IN) + <usize>word(table + T_CHOICE, i) * bytes;
      addTo(load<usize>(op, OP_OUT) + <usize>token * bytes, row, bytes, load<f32>(table + T_SHARE + (<usize>i << 2)));
    }
  }
  barrier(op);
}
