// A learned prompt that a layer attends to beside the text: attended[h] += gate[h] · softmax(q[h]·keys) · values, a softmax of its
// own. Keys and values are floats, [position][kv head][head dim]. A task is a query head of a token.
// Source: Zhang et al., "LLaMA-Adapter", section 3.2.
import { sumOf } from "./activate";
import { barrier, nextTask } from "./barrier";
import { exp2, LOG2E } from "./exp";
import { madd, zero } from "./level";
import { scratchOf } from "./steps";
import {
  C_HEAD_DIM, C_HEADS, C_KV_HEADS, C_TOKENS, OP_FACTOR, OP_GATES, OP_IN, OP_KEYS, OP_LENGTH, OP_OUT, OP_SCALE, OP_VALUES, S_SCORES,
} from "./words";

export function attendPrompt(op: usize, thread: i32): void {
  const heads = load<i32>(C_HEADS), group = heads / load<i32>(C_KV_HEADS), headDim = <usize>load<i32>(C_HEAD_DIM);
  const length = load<i32>(op, OP_LENGTH), stride = <usize>load<i32>(C_KV_HEADS) * headDim << 2;
  const tasks = load<i32>(C_TOKENS) * heads, scores = scratchOf(thread) + S_SCORES;
  const scale = load<f32>(op, OP_SCALE) * LOG2E;
  for (let task = nextTask(op); task < tasks; task = nextTask(op)) {
    const head = task % heads, row = <usize>task * headDim << 2, shared = <usize>(head / group) * headDim << 2;
    const q = load<usize>(op, OP_IN) + row, out = load<usize>(op, OP_OUT) + row;
    let most: f32 = -Infinity;
    for (let i = 0; i < length; i++) {
      const score = dot(q, load<usize>(op, OP_KEYS) + <usize>i * stride + shared, headDim << 2) * scale;
      store<f32>(scores + (<usize>i << 2), score);
      most = max(most, score);
    }
    let sum: f32 = 0;
    for (let i = 0; i < length; i++) {
      const at = scores + (<usize>i << 2);
      const p = f32x4.extract_lane(exp2(f32x4.splat(load<f32>(at) - most)), 0);
      store<f32>(at, p);
      sum += p;
    }
    const gate = load<f32>(load<usize>(op, OP_GATES) + (<usize>head << 2)) * load<f32>(op, OP_FACTOR) / sum;
    for (let i = 0; i < length; i++) {
      addTo(out, load<usize>(op, OP_VALUES) + <usize>i * stride + shared, headDim << 2, load<f32>(scores + (<usize>i << 2)) * gate);
    }
  }
  barrier(op);
}

function dot(a: usize, b: usize, bytes: usize): f32 {
  let sums = zero();
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) sums = madd(v128.load(a + i), v128.load(b + i), sums);
  let sum = sumOf(sums);
  for (; i < bytes; i += 4) sum += load<f32>(a + i) * load<f32>(b + i);
  return sum;
}

/** y += factor · x. */
export function addTo(y: usize, x: usize, bytes: usize, factor: f32): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(y + i, madd(v128.load(x + i), f32x4.splat(factor), v128.load(y + i)));
  for (; i < bytes; i += 4) store<f32>(y + i, load<f32>(y + i) + load<f32>(x + i) * factor);
}
