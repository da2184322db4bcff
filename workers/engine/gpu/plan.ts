// From fused segments to dispatches: a program, its buffers and its grid for each. Everything a run needs is fixed here, once.
import { FINISHES, KERNELS } from "../../../shaders/index.ts";
import { kernel } from "../../../shaders/kernel.ts";
import { LAYOUTS } from "../../../shaders/layouts.ts";
import { assert } from "../base/errors.ts";
import type { Activation, Shape, Tensor } from "../base/model.ts";
import type { Fused, FusedLinear, FusedSegment, Matrix } from "./fuse.ts";
import type { Memory } from "./memory.ts";
import { MAX_SPLITS, PICKED } from "./memory.ts";
import type { Program, Programs } from "./program.ts";
import type { Tuning } from "./tuning.ts";
import type { Part, Weights } from "./weights.ts";

/** Workgroups along one axis: a number, one for so many tokens, or one for each run of positions. */
export type Extent = number | "splits" | { readonly tokens: number };

export interface Dispatch {
  readonly program: Program;
  readonly buffers: Readonly<Record<string, GPUBuffer>>;
  readonly grid: readonly [Extent, Extent, Extent];
  /** Left out where attention has one split only: it has written the result itself. */
  readonly merges: boolean;
}

export interface PlannedSegment {
  readonly name: string;
  readonly dispatches: readonly Dispatch[];
}

/** What a plan is made of. */
export interface Parts {
  readonly shape: Shape;
  readonly ropeDims: number;
  readonly memory: Memory;
  readonly weights: Weights;
  readonly programs: Programs;
  readonly tuning: Tuning;
}

/** The dispatches of one token. */
export function planOne(parts: Parts, segments: readonly FusedSegment[]): PlannedSegment[] {
  const steps = segments.flatMap((segment) => segment.steps);
  const plan = (step: Fused): Dispatch[] => dispatchesOf(parts, step, nextNorm(steps, step));
  return segments.map((segment) => ({ name: segment.name, dispatches: segment.steps.flatMap(plan) }));
}

/** Picking a token from the logits of the last one. */
export function planSample({ programs, memory, shape }: Parts): Dispatch {
  const program = programs.program(KERNELS.sample, { VOCAB: shape.vocab, PICKED });
  return { program, buffers: buffersOf(memory), grid: [1, 1, 1], merges: false };
}

/** Weight of the first norm after a step: what it writes to the residual is prepared for it. */
function nextNorm(steps: readonly Fused[], step: Fused): Tensor | null {
  const norms = steps
    .slice(steps.indexOf(step) + 1)
    .flatMap((later) => (later.op === "linear" && later.norm ? [later.norm.weight] : []));
  return norms[0] ?? null;
}

function dispatchesOf(parts: Parts, step: Fused, next: Tensor | null): Dispatch[] {
  if (step.op === "embed") return embed(parts, step.matrix, next);
  if (step.op === "attend") return attend(parts, step.layer, step.scale);
  return parts.weights.partsOf(step.matrix).map((part) => linear(parts, step, part, next));
}

function embed({ weights, programs, memory }: Parts, matrix: Matrix, next: Tensor | null): Dispatch[] {
  assert(next, "A model ends without a norm.");
  const { read, constants } = LAYOUTS[matrix.layout];
  const blocks = Math.ceil(matrix.cols / 32);
  const program = kernel(`embed ${matrix.layout}`, KERNELS.embed.wgsl, ...read);
  return weights.partsOf(matrix).map((part) => ({
    program: programs.program(program, {
      ...constants,
      BLOCKS: blocks,
      ROW_FIRST: part.firstRow,
      ROW_COUNT: part.rows,
      UPPER: part.upper,
    }),
    buffers: {
      ...buffersOf(memory),
      quants: part.quants,
      scales: part.scales,
      result: memory.hidden,
      gamma: weights.vector(next),
    },
    grid: [Math.ceil((2 * blocks) / 64), { tokens: 1 }, 1],
    merges: false,
  }));
}

function attend({ programs, memory, shape }: Parts, layer: number, scale: number): Dispatch[] {
  const { heads, kvHeads, headDim } = shape;
  const constants = {
    HEAD: headDim,
    HEAD8: memory.head8,
    GROUP: heads / kvHeads,
    CONTEXT: memory.contextLength,
    SCALE: scale,
    MAX_SPLITS,
  };
  const buffers = { ...buffersOf(memory), keys: memory.keys[layer]!, values: memory.values[layer]! };
  return [
    { program: programs.program(KERNELS.attend, constants), buffers, grid: ["splits", kvHeads, 1], merges: false },
    { program: programs.program(KERNELS.merge, constants), buffers, grid: [heads, 1, 1], merges: true },
  ];
}

function linear(
  { shape, ropeDims, weights, programs, memory, tuning }: Parts,
  step: FusedLinear,
  part: Part,
  next: Tensor | null,
): Dispatch {
  const { matrix } = step;
  const finish = step.finish === "add" && next ? "residual" : step.finish;
  const { read, constants } = LAYOUTS[matrix.layout];
  const { threads, lanes } = tuning.matvec(matrix);
  assert(part.rows === matrix.rows || finish !== "qkv", `${matrix.name} is too large for this GPU.`);
  const gated = finish === "silu";
  const quads = Math.ceil(part.rows / 4);
  const program = kernel(`matvec_${finish} ${matrix.layout}`, KERNELS.matvec.wgsl, ...read, FINISHES[finish]);
  const rowsOf = (out: Activation): number => matrix.tensors[step.parts.indexOf(out)]?.rows ?? 0;
  const numbers = {
    ...constants,
    UPPER: part.upper,
    BLOCKS: Math.ceil(matrix.cols / 32),
    QUADS: quads,
    PAIR_STRIDE: gated ? 1 : 2,
    PAIR_OTHER: gated ? matrix.rows / 2 : 1,
    LAST_ROW: part.rows - 1,
    NORM: step.norm ? 1 : 0,
    WIDTH: matrix.cols,
    EPSILON: step.norm?.epsilon ?? 0,
    THREADS: threads,
    LANES: lanes,
    ROWS: part.rows,
    RESULT_FIRST: part.firstRow,
    RESULT_STRIDE: memory.width[widthOf(step.out)],
    Q_ROWS: rowsOf("q"),
    K_ROWS: rowsOf("k"),
    QUERY_STRIDE: memory.width.q,
    HEAD: shape.headDim,
    HEAD_WORDS: memory.head8 * 4,
    ROPE_PAIRS: ropeDims / 2,
    CONTEXT: memory.contextLength,
  };
  const groups = Math.ceil(quads / (threads / lanes));
  const wide = Math.min(groups, 32768);
  const input = memory[step.norm ? "scaled" : widthOf(step.in)];
  return {
    program: programs.program(program, numbers),
    buffers: {
      ...buffersOf(memory),
      quants: part.quants,
      scales: part.scales,
      input,
      squares: step.norm ? memory.squares : input,
      scaled: memory.scaled,
      squares_out: memory.squares,
      gamma: next ? weights.vector(next) : input,
      result: memory[widthOf(step.out)],
      keys: memory.keys[step.layer]!,
      values: memory.values[step.layer]!,
    },
    grid: [wide, Math.ceil(groups / wide), 1],
    merges: false,
  };
}

function widthOf(out: Activation): "hidden" | "q" | "attended" | "gate" | "logits" {
  return out === "k" || out === "v" ? "q" : out;
}

/** The buffers every kernel knows by the same name. */
function buffersOf(memory: Memory): Record<string, GPUBuffer> {
  const { q: queries, partials, attended, turns, state, ids, history, picked, sampling, logits, scaled, squares } = memory;
  return { queries, partials, attended, turns, state, ids, history, picked, sampling, logits, scaled, squares };
}
