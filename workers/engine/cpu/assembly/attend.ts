// Attention over the cache: softmax(q·K)·V by key-value head, tile of query rows and run of positions.
// A run gives maximum, sum and output of its own; runs are merged in order. So the result has the same bits whether the runs
// were worked on by one thread or many, and however many tokens came along.
// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", section 3.
import { maxOf, sumOf } from "./activate";
import { barrier, nextTask } from "./barrier";
import { exp2, LOG2E } from "./exp";
import { CACHE_UNIT } from "./half";
import { madd } from "./level";
import { score, scoreWide, touch, weigh, weighWide, widenAll } from "./runs";
import { scratchOf } from "./steps";
import {
  C_ACTIVE, C_AT, C_CACHE_WIDE, C_CONTEXT, C_HEAD_DIM, C_HEAD_PAD, C_HEADS, C_KV_HEADS, C_PARTIAL_ROWS, C_PARTIALS, C_TILE_COUNTERS, C_TOKENS, OP_IN, OP_KEYS, OP_OUT,
  OP_SCALE, OP_VALUES, OP_WINDOW, RUN, S_ATTEND, S_SCORES, S_STATS, TILE_ROWS,
} from "./words";

const STAT: usize = TILE_ROWS * 4; // bytes from one statistic to the next one
const SHARE: i32 = 12; // tasks of a thread, where runs are dealt out
const FEW: i32 = 8; // rows that halves are widened for again and again; for more it pays to keep the floats

/** attended[token] = attention of the token's queries. A row is a query head of a token; rows of a kv head share its cache. */
export function attend(op: usize, thread: i32): void {
  const kvHeads = load<i32>(C_KV_HEADS), rows = load<i32>(C_TOKENS) * (load<i32>(C_HEADS) / kvHeads);
  const tiles = (rows + TILE_ROWS - 1) / TILE_ROWS, all = kvHeads * tiles;
  if (kvHeads * rows <= load<i32>(C_PARTIAL_ROWS)) {
    const runs = (load<i32>(C_AT) + load<i32>(C_TOKENS) - 1) / RUN + 1 - firstRun(op, load<i32>(C_AT));
    const spans = min<i32>(runs, (load<i32>(C_ACTIVE) * SHARE + all - 1) / all); // of runs, for each tile
    for (let task = nextTask(op); task < all * spans; task = nextTask(op)) {
      const tile = task / spans, span = task % spans;
      splitTile(op, tile / tiles, tile % tiles, span * runs / spans, (span + 1) * runs / spans, runs, thread);
    }
  } else {
    for (let task = nextTask(op); task < all; task = nextTask(op)) {
      wholeTile(op, task % kvHeads, tiles - 1 - task / kvHeads, thread); // the longest first
    }
  }
  barrier(op);
}

/** The first position that the token at `position` sees. */
@inline
function firstSeen(op: usize, position: i32): i32 {
  const window = load<i32>(op, OP_WINDOW);
  return window ? max<i32>(0, position + 1 - window) : 0;
}

@inline
function firstRun(op: usize, position: i32): i32 {
  return firstSeen(op, position) / RUN;
}

/** Floats of the cache times this are keys and values. */
@inline
function cacheUnit(): f32 {
  return load<i32>(C_CACHE_WIDE) ? 1 : CACHE_UNIT;
}

/**
 * Runs `from` to `to` of a tile's `runs`, counted from the first that any row sees, to the partial results; whoever ends a tile's last
 * run merges them.
 */
function splitTile(op: usize, head: i32, tile: i32, from: i32, to: i32, runs: i32, thread: i32): void {
  const scratch = scratchOf(thread), pad = load<i32>(C_HEAD_PAD);
  const group = load<i32>(C_HEADS) / load<i32>(C_KV_HEADS), rows = load<i32>(C_TOKENS) * group;
  const base = firstRun(op, load<i32>(C_AT)), first = tile * TILE_ROWS, n = min<i32>(TILE_ROWS, rows - first);
  const width = <usize>pad << 2, partial = width + 16;
  const row = load<usize>(C_PARTIALS) + <usize>((head * rows + first) * runs) * partial;
  takeQueries(op, head, first, n, scratch);
  for (let run = from; run < to; run++) {
    attendRun(op, head, first, n, base + run, scratch);
    for (let r = 0; r < n; r++) {
      const at = row + <usize>(r * runs + run) * partial;
      copy(outputs(scratch, 1) + <usize>r * width, at, width);
      store<f32>(at + width, load<f32>(scratch + S_STATS + (<usize>r << 2)));
      store<f32>(at + width, load<f32>(scratch + S_STATS + STAT + (<usize>r << 2)), 4);
    }
  }
  const counter = load<usize>(C_TILE_COUNTERS) + (<usize>(head * ((rows + TILE_ROWS - 1) / TILE_ROWS) + tile) << 2);
  const before = SHARED ? atomic.add<i32>(counter, to - from) : load<i32>(counter);
  if (!SHARED) store<i32>(counter, before + to - from);
  if (before + to - from != runs) return;
  store<i32>(counter, 0);
  for (let r = 0; r < n; r++) {
    const at = row + <usize>(r * runs) * partial, position = load<i32>(C_AT) + (first + r) / group;
    const start = firstRun(op, position) - base, last = position / RUN - base;
    for (let i = start; i <= last; i++) {
      merge(scratch, r, i == start, at + <usize>i * partial, at + <usize>i * partial + width, 4, pad);
    }
  }
  putRows(op, head, first, n, scratch);
}

/** Whole vectors, from a place to another: a few of them, for which memory.copy takes longer. */
@inline
function copy(from: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
}

/** All runs of a tile, one after the other. */
function wholeTile(op: usize, head: i32, tile: i32, thread: i32): void {
  const scratch = scratchOf(thread), pad = load<i32>(C_HEAD_PAD);
  const group = load<i32>(C_HEADS) / load<i32>(C_KV_HEADS), rows = load<i32>(C_TOKENS) * group;
  const first = tile * TILE_ROWS, n = min<i32>(TILE_ROWS, rows - first);
  takeQueries(op, head, first, n, scratch);
  const runs = (load<i32>(C_AT) + (first + n - 1) / group) / RUN + 1;
  for (let run = firstRun(op, load<i32>(C_AT) + first / group); run < runs; run++) {
    attendRun(op, head, first, n, run, scratch);
    for (let r = 0; r < n; r++) {
      const position = load<i32>(C_AT) + (first + r) / group, from = firstRun(op, position);
      if (run < from || run * RUN > position) continue;
      merge(scratch, r, run == from, outputs(scratch, 1) + (<usize>(r * pad) << 2), scratch + S_STATS + (<usize>r << 2), STAT, pad);
    }
  }
  putRows(op, head, first, n, scratch);
}

/** Queries (0), outputs of a run (1), merged outputs (2) of a tile: f32 [TILE_ROWS][headPad]; 3: what follows them. */
@inline
function outputs(scratch: usize, which: usize): usize {
  return scratch + S_ATTEND + which * (TILE_ROWS * 4) * load<i32>(C_HEAD_PAD);
}

/** A run's widened keys, then its values: f32 [RUN][headPad]. */
@inline
function widened(scratch: usize): usize {
  return outputs(scratch, 3);
}

/**
 * The tile's queries by fours, [row / 4][dim][4 rows], times scale, log2 e and the unit of the key cache; rows that are missing
 * are zeros.
 */
function takeQueries(op: usize, head: i32, first: i32, n: i32, scratch: usize): void {
  const headDim = load<i32>(C_HEAD_DIM), heads = load<i32>(C_HEADS), group = heads / load<i32>(C_KV_HEADS);
  const width = <usize>load<i32>(C_HEAD_PAD) << 2, factor = load<f32>(op, OP_SCALE) * LOG2E * cacheUnit();
  if (n & 3) memory.fill(outputs(scratch, 0) + <usize>(n & ~3) * width, 0, 4 * width);
  for (let r = 0; r < n; r++) {
    const row = first + r, from = load<usize>(op, OP_IN) + (<usize>((row / group) * heads + head * group + (row % group)) * headDim << 2);
    const to = outputs(scratch, 0) + <usize>(r & ~3) * width + (<usize>(r & 3) << 2);
    for (let d: usize = 0; d < <usize>headDim << 2; d += 4) store<f32>(to + (d << 2), load<f32>(from + d) * factor);
  }
}

/** Scores, softmax and output of one run; positions that a row does not see have weight 0. */
function attendRun(op: usize, head: i32, first: i32, n: i32, run: i32, scratch: usize): void {
  const headDim = load<i32>(C_HEAD_DIM), pad = load<i32>(C_HEAD_PAD), context = load<i32>(C_CONTEXT);
  const group = load<i32>(C_HEADS) / load<i32>(C_KV_HEADS), at = load<i32>(C_AT);
  const start = run * RUN, count = min<i32>(RUN, at + (first + n - 1) / group + 1 - start);
  const kept = load<i32>(C_CACHE_WIDE), wide = kept || n > FEW, width = <usize>pad << 2;
  const keyBytes = <usize>(headDim * RUN) << (1 + kept), valueBytes = <usize>(pad * RUN) << (1 + kept);
  const keys = load<usize>(op, OP_KEYS) + <usize>head * (<usize>context * headDim << (1 + kept)) + <usize>run * keyBytes;
  const values = load<usize>(op, OP_VALUES) + <usize>(head * (context / RUN) + run) * valueBytes;
  touch(keys, values, keyBytes);
  if (wide && !kept) widenAll(keys, ((count + 7) >> 3) * headDim, widened(scratch));
  for (let r = 0; r < n; r += 4) {
    const queries = outputs(scratch, 0) + <usize>r * width, scores = scratch + S_SCORES + <usize>r * (RUN * 4);
    if (wide) scoreWide(n - r, kept ? keys : widened(scratch), queries, headDim, count, scores);
    else score(n - r, keys, queries, headDim, count, scores);
  }
  for (let r = 0; r < n; r++) {
    const position = at + (first + r) / group;
    softmax(scratch, r, firstSeen(op, position) - start, min<i32>(RUN, position + 1 - start), cacheUnit());
  }
  if (wide && !kept) {
    for (let d = 0; d < pad; d += 8) widenAll(values + <usize>d * (RUN * 2), count, widened(scratch) + <usize>d * (RUN * 4));
  }
  for (let r = 0; r < n; r += 4) {
    const weights = scratch + S_SCORES + <usize>r * (RUN * 4), out = outputs(scratch, 1) + <usize>r * width;
    if (wide) weighWide(n - r, kept ? values : widened(scratch), weights, pad, count, out, width);
    else weigh(n - r, values, weights, pad, count, out, width);
  }
}

/** Scores of a row become weights 2^(score - maximum) in `unit`s of the value cache; those from `from` to `valid` count. */
function softmax(scratch: usize, r: i32, from: i32, valid: i32, unit: f32): void {
  const row = scratch + S_SCORES + <usize>r * (RUN * 4), stats = scratch + S_STATS + (<usize>r << 2);
  for (let i = 0; i < min<i32>(from, RUN); i++) store<f32>(row + (<usize>i << 2), -Infinity);
  for (let i = max<i32>(valid, 0); i < RUN; i++) store<f32>(row + (<usize>i << 2), -Infinity);
  let most = v128.load(row);
  for (let i: usize = 16; i < <usize>(RUN * 4); i += 16) most = f32x4.pmax(most, v128.load(row + i));
  const maximum: f32 = valid > max<i32>(from, 0) ? maxOf(most) : 0;
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < <usize>(RUN * 4); i += 16) {
    const p = f32x4.mul(exp2(f32x4.sub(v128.load(row + i), f32x4.splat(maximum))), f32x4.splat(unit));
    v128.store(row + i, p);
    sum = f32x4.add(sum, p);
  }
  store<f32>(stats, maximum);
  store<f32>(stats + STAT, sumOf(sum));
}

/** Merges a run of row r into the running result, or starts it. `stats`: the run's maximum, and its sum `apart` bytes on. */
function merge(scratch: usize, r: i32, starts: bool, output: usize, stats: usize, apart: usize, pad: i32): void {
  const to = outputs(scratch, 2) + (<usize>(r * pad) << 2), running = scratch + S_STATS + 2 * STAT + (<usize>r << 2);
  const maximum = load<f32>(stats), sum = load<f32>(stats + apart);
  if (starts) {
    copy(output, to, <usize>pad << 2);
    store<f32>(running, maximum);
    store<f32>(running + STAT, sum);
    return;
  }
  const old = load<f32>(running), best = max(old, maximum);
  const a = exp2(f32x4.splat(old - best)), b = exp2(f32x4.splat(maximum - best));
  for (let d: usize = 0; d < <usize>pad << 2; d += 16) {
    v128.store(to + d, madd(v128.load(output + d), b, f32x4.mul(v128.load(to + d), a)));
  }
  store<f32>(running, best);
  const sums = madd(f32x4.splat(sum), b, f32x4.mul(f32x4.splat(load<f32>(running + STAT)), a));
  store<f32>(running + STAT, f32x4.extract_lane(sums, 0));
}

/** Merged outputs over their sums go to their places. */
function putRows(op: usize, head: i32, first: i32, n: i32, scratch: usize): void {
  const headDim = load<i32>(C_HEAD_DIM), pad = load<i32>(C_HEAD_PAD), heads = load<i32>(C_HEADS), group = heads / load<i32>(C_KV_HEADS);
  for (let r = first; r < first + n; r++) {
    const from = outputs(scratch, 2) + (<usize>((r - first) * pad) << 2);
    const to = load<usize>(op, OP_OUT) + (<usize>((r / group) * heads + head * group + (r % group)) * headDim << 2);
    const factor = cacheUnit() / load<f32>(scratch + S_STATS + 3 * STAT + (<usize>(r - first) << 2));
    for (let d: usize = 0; d < <usize>headDim << 2; d += 4) store<f32>(to + d, load<f32>(from + d) * factor);
  }
}
