// Dispatches of a mixture of experts: routing, the chosen experts' products, and what becomes of them.
import { FINISHES, KERNELS } from "../../../shaders/index.ts";
import type { FinishName } from "../../../shaders/index.ts";
import { kernel } from "../../../shaders/kernel.ts";
import { LAYOUTS } from "../../../shaders/layouts.ts";
import { assert } from "../base/errors.ts";
import type { Tensor } from "../base/model.ts";
import type { Dispatch, Parts, Rows } from "./dispatch.ts";
import { buffersOf } from "./dispatch.ts";
import type { FusedExperts, FusedLinear, Matrix } from "./fuse.ts";
import { laneShape } from "./lanes.ts";
import { linear, norm, productParts, quantizeRows, takesIntegers } from "./linear.ts";
import type { ExpertMemory } from "./memory.ts";

/** What is read and written by the products of experts. */
interface Product {
  readonly matrix: Matrix;
  readonly input: GPUBuffer;
  /** How many of a token's experts share an input: all, or 1. */
  readonly sharing: number;
  readonly finish: FinishName;
  readonly result: GPUBuffer;
  readonly stride: number;
}

/** A feed-forward network of experts. `next`: weight of the norm that reads the residual next. */
export function experts(parts: Parts, step: FusedExperts, next: Tensor | null, rows: Rows): Dispatch[] {
  const { programs, memory } = parts;
  const { experts: own, scaled, width } = memory;
  assert(own, "A model has experts, and no memory for them.");
  const { count, used, gate, up, down } = step;
  const numbers = { COUNT: count, USED: used, CHUNK: memory.chunk, STRIDE: width.hidden };
  const buffers = { ...buffersOf(memory), ...buffersOfExperts(own), results: own.outer };
  const route: Dispatch = {
    program: programs.program(KERNELS.route, numbers),
    buffers,
    grid: [{ tokens: 64 }, 1, 1],
    merges: false,
  };
  const gather: Dispatch = {
    program: programs.program(KERNELS.gather, numbers),
    buffers,
    grid: [Math.ceil(count / 64), 1, 1],
    merges: false,
  };
  const inner = { input: scaled, sharing: used, result: own.inner, stride: own.width };
  const outer = { input: own.inner, sharing: 1, result: own.outer, stride: width.hidden };
  return [
    norm(parts, step.norm), // of one token too: experts know no deferred one
    ...router(parts, step, rows),
    route,
    ...(rows === "one" ? [] : [gather]),
    ...product(parts, step, { ...inner, matrix: gate, finish: "store" }, rows, true),
    ...product(parts, step, { ...inner, matrix: up, finish: "multiply" }, rows, !takesIntegers(parts, { matrix: gate }, rows)),
    ...product(parts, step, { ...outer, matrix: down, finish: "store" }, rows, true),
    mix(parts, step, buffers, next, rows),
  ];
}

function buffersOfExperts({ chosen, portions, jobs }: ExpertMemory): Record<string, GPUBuffer> {
  return { chosen, portions, jobs };
}

/** The router is a linear map like any other, of an input that is normalized already. */
function router(parts: Parts, { router: matrix }: FusedExperts, rows: Rows): Dispatch[] {
  const common = { op: "linear", in: "scaled", out: "routes", norm: undefined, bias: null, parts: [], layer: 0 } as const;
  const step: FusedLinear = { ...common, matrix, finish: "store" };
  const integers = takesIntegers(parts, { matrix }, rows) ? [quantizeRows(parts, matrix, parts.memory.scaled)] : [];
  return [...integers, ...linear(parts, step, null, rows)];
}

/** Products of every chosen expert: a dispatch for each part of the matrix; before them, if `fresh`, what the integers of T3 need. */
function product(parts: Parts, step: FusedExperts, of: Product, rows: Rows, fresh: boolean): Dispatch[] {
  const { memory, weights, programs, tuning, tier, subgroupSize } = parts;
  const { count, used } = step;
  const { matrix, sharing } = of;
  const { read, constants } = LAYOUTS[matrix.layout];
  const rowsEach = matrix.rows / count;
  const quads = Math.ceil(rowsEach / 4);
  const { threads, lanes } = laneShape(tuning, matrix);
  const groups = Math.ceil(quads / (threads / lanes));
  const wide = Math.min(groups, 32768);
  const one = rows === "one";
  const integers = takesIntegers(parts, { matrix }, rows);
  const name = one ? "experts_one" : "experts_few";
  const text = [
    KERNELS[name].wgsl,
    ...read,
    ...FINISHES[of.finish],
    ...productParts(tier, one ? "matvec" : "matfew", lanes, integers),
  ];
  const program = kernel(`${name}${integers ? "_int8" : ""}_${of.finish} ${matrix.layout}`, ...text);
  const numbers = {
    ...constants,
    BLOCKS: Math.ceil(matrix.cols / 32),
    QUADS: quads,
    ROWS_EACH: rowsEach,
    COUNT: count,
    CHUNK: memory.chunk,
    X_SLOTS: sharing,
    THREADS: threads,
    LANES: lanes,
    SHUFFLED: Math.min(lanes, subgroupSize),
    PARTS: lanes > 1 ? threads * 8 : 1,
    ROWS: rowsEach,
    RESULT_STRIDE: of.stride,
  };
  const prepared = integers && fresh ? [quantizeRows(parts, matrix, of.input, used / sharing)] : [];
  const products = weights.partsOf(matrix).map((part): Dispatch => {
    const own = { UPPER: part.upper, FIRST_EXPERT: part.firstRow / rowsEach, EXPERTS: part.rows / rowsEach };
    const { input, result } = of;
    return {
      program: programs.program(program, { ...numbers, ...own }),
      buffers: {
        ...buffersOf(memory),
        ...buffersOfExperts(memory.experts!),
        quants: part.quants,
        scales: part.scales,
        input,
        result,
      },
      grid: [wide, Math.ceil(groups / wide), one ? used : { tokens: 8, times: own.EXPERTS }],
      merges: false,
    };
  });
  return [...prepared, ...products];
}

function mix(parts: Parts, step: FusedExperts, buffers: Record<string, GPUBuffer>, next: Tensor | null, rows: Rows): Dispatch {
  const { memory, programs, weights, shape } = parts;
  const finish = rows === "one" && next ? "residual" : "add";
  const { hidden } = memory.width;
  const numbers = { USED: step.used, STRIDE: hidden, ROWS: shape.dim, RESULT_STRIDE: hidden };
  return {
    program: programs.program(kernel(`mix_${finish}`, KERNELS.mix.wgsl, ...FINISHES[finish]), numbers),
    buffers: {
      ...buffers,
      result: memory.hidden,
      squares_out: memory.squares,
      gamma: next ? weights.vector(next) : memory.hidden,
    },
    grid: [Math.ceil(shape.dim / 4 / 64), { tokens: 1 }, 1],
    merges: false,
  };
}
