// Sizes of kernels for the widths of a model's matrices, found by measuring on the device.
import type { Parts } from "./dispatch.ts";
import type { FusedLinear, FusedSegment } from "./fuse.ts";
import type { LaneShape, Tuning } from "./lanes.ts";
import { linear } from "./linear.ts";
import type { Runner } from "./run.ts";
import { makeReady } from "./run.ts";

/** From a thread a row, best where threads are a fiction, to a row for a whole workgroup. */
const CANDIDATES: readonly LaneShape[] = [
  { threads: 64, lanes: 1 },
  { threads: 64, lanes: 8 },
  { threads: 64, lanes: 32 },
  { threads: 128, lanes: 16 },
  { threads: 256, lanes: 64 },
  { threads: 128, lanes: 4 },
];
const BUDGET_MS = 1000;
const TILE_TOKENS = 64;
/** Smaller matrices take no time worth measuring. */
const SMALL = 2 ** 18;

/** Measures the largest matrix of every width, for about a second. Weights may be anything; the residual is overwritten. */
export async function tune(
  parts: Omit<Parts, "tuning">,
  segments: readonly FusedSegment[],
  runner: Runner,
  now: () => number,
): Promise<Tuning> {
  const start = now();
  const steps = largestByWidth(segments);
  const lanes: Record<string, LaneShape> = {};
  let milliseconds = 0;
  for (const [i, step] of steps.entries()) {
    const deadline = start + (BUDGET_MS * (i + 1)) / steps.length;
    let best = Infinity;
    for (const candidate of CANDIDATES) {
      if (best < Infinity && now() > deadline) break;
      const tuning = { lanes: { [step.matrix.cols]: candidate }, many: "few" as const, milliseconds: 0 };
      const ms = await measure({ ...parts, tuning }, step, "one", 1, runner, now);
      if (ms < best) lanes[step.matrix.cols] = candidate;
      best = Math.min(best, ms);
    }
    milliseconds += best;
  }
  // Where a thread a row is fastest, threads do not share anything cheaply, and tiles are hopeless: don't even compile them.
  const apart = steps.every((step) => lanes[step.matrix.cols]!.lanes === 1);
  if (apart || steps.length === 0) return { lanes, many: "few", milliseconds };
  const ways: Tuning["many"][] = parts.tier.integers ? ["few", "tiles", "tiles_int8"] : ["few", "tiles"];
  const times: number[] = [];
  for (const many of ways) {
    const tuning = { lanes, many, milliseconds };
    times.push(await measure({ ...parts, tuning }, steps[0]!, "many", TILE_TOKENS, runner, now));
  }
  return { lanes, many: ways[times.indexOf(Math.min(...times))]!, milliseconds };
}

/** Milliseconds of one product, best of three. */
async function measure(
  parts: Parts,
  step: FusedLinear,
  rows: "one" | "many",
  tokens: number,
  runner: Runner,
  now: () => number,
): Promise<number> {
  const dispatches = linear(parts, step, null, rows);
  await parts.programs.compile(dispatches.map((dispatch) => dispatch.program));
  const ready = makeReady(parts.programs, dispatches);
  runner.place(0, tokens);
  const time = async (repeats: number): Promise<number> => {
    const begin = now();
    runner.submit([{ dispatches: Array.from({ length: repeats }, () => ready).flat(), position: 0, tokens }]);
    await runner.finished();
    return now() - begin;
  };
  await time(1); // drivers compile again at the first use
  const once = await time(1);
  const repeats = Math.max(1, Math.min(50, Math.round(4 / once))); // the way there and back must not count
  let best = Infinity;
  for (let i = 0; i < 3; i++) best = Math.min(best, (await time(repeats)) / repeats);
  return best;
}

/** Of the matrices in layers, the one with most rows of each width; widest product first. */
function largestByWidth(segments: readonly FusedSegment[]): FusedLinear[] {
  const byWidth = new Map<number, FusedLinear>();
  for (const step of segments.slice(0, -1).flatMap((segment) => segment.steps)) {
    if (step.op !== "linear" || step.matrix.rows * step.matrix.cols < SMALL) continue;
    const known = byWidth.get(step.matrix.cols);
    if (!known || known.matrix.rows < step.matrix.rows) byWidth.set(step.matrix.cols, step);
  }
  return [...byWidth.values()].sort((a, b) => b.matrix.rows * b.matrix.cols - a.matrix.rows * a.matrix.cols);
}
