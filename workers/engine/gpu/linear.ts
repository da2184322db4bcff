// Dispatches of a linear map, for one token, a few or many, and of what surrounds it: embedding and norm.
import { FINISHES, FLOAT_PRODUCTS, INT8_PRODUCTS, KERNELS, REDUCES, TILES } from "../../../shaders/index.ts";
import type { FinishName } from "../../../shaders/index.ts";
import { kernel } from "../../../shaders/kernel.ts";
import { LAYOUTS } from "../../../shaders/layouts.ts";
import { assert } from "../base/errors.ts";
import type { Activation, Linear, Tensor } from "../base/model.ts";
import { type Addend, addendOf } from "./addend.ts";
import type { Dispatch, Parts, Rows } from "./dispatch.ts";
import { buffersOf } from "./dispatch.ts";
import type { FusedLinear, Matrix } from "./fuse.ts";
import { laneShape } from "./lanes.ts";
import type { Tier } from "./tiers.ts";
import type { Part } from "./weights.ts";

/** Rows of the embedding become hidden states; `next` is the weight of the first norm. A dispatch for each part of the matrix. */
export function embedding({ weights, programs, memory }: Parts, matrix: Matrix, next: Tensor | null): Dispatch[] {
  assert(next, "A model ends without a norm.");
  const { read, constants } = LAYOUTS[matrix.layout];
  const blocks = Math.ceil(matrix.cols / 32);
  const program = kernel(`embed ${matrix.layout}`, KERNELS.embed.wgsl, ...read);
  return weights.partsOf(matrix).map(({ firstRow, rows, upper, quants, scales }) => ({
    program: programs.program(program, { ...constants, BLOCKS: blocks, ROW_FIRST: firstRow, ROW_COUNT: rows, UPPER: upper }),
    buffers: { ...buffersOf(memory), quants, scales, result: memory.hidden, gamma: weights.vector(next) },
    grid: [Math.ceil((2 * blocks) / 64), { tokens: 1 }, 1],
    merges: false,
  }));
}

/** RMSNorm of many tokens. One token has none: its norm is part of the linear maps around it. */
export function norm({ weights, programs, memory }: Parts, { weight, epsilon }: NonNullable<Linear["norm"]>): Dispatch {
  const numbers = { BLOCKS: memory.width.hidden / 32, WIDTH: weight.cols, EPSILON: epsilon };
  const buffers = { ...buffersOf(memory), gamma: weights.vector(weight) };
  return { program: programs.program(KERNELS.norm, numbers), buffers, grid: [{ tokens: 1 }, 1, 1], merges: false };
}

/** Activations in 8-bit integers, for a map that takes them (T3). */
export function quantize(parts: Parts, step: FusedLinear): Dispatch {
  return quantizeRows(parts, step.matrix, inputOf(parts.memory, step));
}

/** The same of any input of a matrix, `times` rows a token. */
export function quantizeRows({ programs, memory }: Parts, matrix: Matrix, input: GPUBuffer, times = 1): Dispatch {
  const blocks = Math.ceil(matrix.cols / 32);
  const buffers = { ...buffersOf(memory), input };
  return {
    program: programs.program(KERNELS.quantize, { BLOCKS: blocks }),
    buffers,
    grid: [Math.ceil(blocks / 64), { tokens: 1, times }, 1],
    merges: false,
  };
}

/** True where a map multiplies 8-bit integers: in the tier that does, unless weights are floats or tiles of floats are faster. */
export function takesIntegers({ tier, tuning }: Parts, { matrix }: Pick<FusedLinear, "matrix">, rows: Rows): boolean {
  const floats = LAYOUTS[matrix.layout].scaleWords === 0;
  return tier.integers && !floats && !(rows === "many" && tuning.many === "tiles");
}

/**
 * A linear map; a dispatch for each part of its matrix, after what makes its addend. `next`: weight of the norm that reads the
 * residual next.
 */
export function linear(parts: Parts, step: FusedLinear, next: Tensor | null, rows: Rows): Dispatch[] {
  const finish = finishOf(parts, step, next, rows);
  const crowded = rows === "one" && (finish === "qkv" || finish === "residual");
  const addend = addendOf(parts, step, inputOf(parts.memory, step), rows, crowded);
  const ending = { next, finish, addend };
  return [...addend.dispatches, ...parts.weights.partsOf(step.matrix).map((part) => linearPart(parts, step, part, rows, ending))];
}

/** What becomes of the products. */
interface Ending {
  readonly next: Tensor | null;
  readonly finish: FinishName;
  readonly addend: Addend;
}

function linearPart(parts: Parts, step: FusedLinear, part: Part, rows: Rows, { next, finish, addend }: Ending): Dispatch {
  const { shape, ropeDims, weights, programs, memory, tuning, tier, subgroupSize } = parts;
  const { matrix } = step;
  assert(part.rows === matrix.rows || step.finish !== "qkv", `${matrix.name} is too large for this GPU.`);
  const { read, constants } = LAYOUTS[matrix.layout];
  const gated = finish === "silu";
  const quads = Math.ceil(part.rows / 4);
  const rowsOf = (out: Activation): number => matrix.tensors[step.parts.indexOf(out)]?.rows ?? 0;
  const { name, threads, lanes, grid } = shapeOf(tuning, matrix, rows, quads);
  const integers = takesIntegers(parts, step, rows);
  const input = inputOf(memory, step);
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
    SHUFFLED: Math.min(lanes, subgroupSize),
    PARTS: lanes > 1 ? threads * 8 : 1,
    ROWS: part.rows,
    RESULT_FIRST: part.firstRow,
    RESULT_STRIDE: memory.width[bufferName(step.out)],
    Q_ROWS: rowsOf("q"),
    K_ROWS: rowsOf("k"),
    QUERY_STRIDE: memory.width.q,
    Q_WIDTH: shape.heads * shape.headDim,
    KV_WIDTH: shape.kvHeads * shape.headDim,
    HEAD: shape.headDim,
    HEAD_WORDS: memory.head8 * 4,
    ROPE_PAIRS: ropeDims / 2,
    CONTEXT: memory.contextLength,
    ADDEND_FIRST: part.firstRow,
    ADDEND_STRIDE: addend.stride,
  };
  const program = kernel(
    `${name}${integers ? "_int8" : ""}_${finish}${addend.buffer ? `_${addend.name}` : ""} ${matrix.layout}`,
    KERNELS[name].wgsl,
    ...read,
    addend.wgsl,
    ...FINISHES[finish],
    ...productParts(tier, name, lanes, integers),
  );
  return {
    program: programs.program(program, numbers),
    buffers: {
      ...buffersOf(memory),
      quants: part.quants,
      scales: part.scales,
      input,
      squares: step.norm ? memory.squares : input,
      squares_out: memory.squares,
      gamma: next ? weights.vector(next) : input,
      addend: addend.buffer ?? input,
      result: memory[bufferName(step.out)],
      keys: memory.keys[step.layer]!,
      values: memory.values[step.layer]!,
    },
    grid,
    merges: false,
  };
}

function finishOf({ memory }: Parts, { finish }: FusedLinear, next: Tensor | null, rows: Rows): FinishName {
  if (finish === "add" && rows === "one" && next) return "residual";
  return finish === "qkv" && memory.cache === "int8" ? "qkv_rows" : finish;
}

interface KernelShape {
  readonly name: "matvec" | "matfew" | "matmul";
  readonly threads: number;
  readonly lanes: number;
  readonly grid: Dispatch["grid"];
}

function shapeOf(tuning: Parts["tuning"], matrix: Matrix, rows: Rows, quads: number): KernelShape {
  const wide = (groups: number, tokens: Dispatch["grid"][2]): Dispatch["grid"] => {
    const x = Math.min(groups, 32768);
    return [x, Math.ceil(groups / x), tokens];
  };
  if (rows === "many" && tuning.many !== "few") {
    return { name: "matmul", threads: 64, lanes: 1, grid: [Math.ceil(quads / 16), { tokens: 32 }, 1] };
  }
  const { threads, lanes } = laneShape(tuning, matrix);
  const groups = Math.ceil(quads / (threads / lanes));
  if (rows === "one") return { name: "matvec", threads, lanes, grid: wide(groups, 1) };
  return { name: "matfew", threads, lanes, grid: wide(groups, { tokens: 8 }) };
}

function inputOf(memory: Parts["memory"], step: FusedLinear): GPUBuffer {
  return step.norm || step.in === "scaled" ? memory.scaled : memory[bufferName(step.in)];
}

/** The parts of a kernel that a tier chooses. */
export function productParts(
  { tile, shuffles }: Tier,
  name: KernelShape["name"],
  lanes: number,
  integers: boolean,
): readonly string[] {
  if (name === "matmul") return TILES[integers ? "int8" : tile];
  const products = (integers ? INT8_PRODUCTS : FLOAT_PRODUCTS)[shuffles && lanes === 1 ? "quad" : "none"];
  if (name === "matfew") return products;
  return [...products, REDUCES[shuffles && lanes > 1 ? "subgroup" : "shared"]];
}

/** The buffer of an activation; keys and values go to the cache by way of the queries'. */
function bufferName(of: Activation | "routes"): Exclude<Activation, "k" | "v"> | "routes" {
  return of === "k" || of === "v" ? "q" : of;
}
