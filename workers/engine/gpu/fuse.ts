// From the steps of a model to the fewest maps a GPU can run at once: neighbours that read the same vector become one matrix.
import type { LayoutName } from "../../../shaders/layouts.ts";
import { LAYOUTS } from "../../../shaders/layouts.ts";
import type { FinishName } from "../../../shaders/index.ts";
import type { Activation, Attend, Linear, Model, Norm, Segment, Step, Tensor } from "../base/model.ts";

/** Weights that are read by one kernel: tensors of one layout, their rows one after another. */
export interface Matrix {
  readonly name: string;
  readonly layout: LayoutName;
  readonly tensors: readonly Tensor[];
  readonly rows: number;
  readonly cols: number;
  /** Rows that one binding has to hold together: those of an expert. Left out where any may be apart. */
  readonly unit?: number;
}

/** What is added to the products of a map: a vector behind each row of its matrix that one begins at. */
export interface Bias {
  readonly rows: number;
  readonly places: readonly { readonly tensor: Tensor; readonly firstRow: number }[];
}

/** A feed-forward network of experts, whose matrices have their rows one below the other. */
export interface FusedExperts {
  readonly op: "experts";
  readonly norm: Norm;
  readonly router: Matrix;
  readonly gate: Matrix;
  readonly up: Matrix;
  readonly down: Matrix;
  readonly count: number;
  readonly used: number;
}

export type Fused = { readonly op: "embed"; readonly matrix: Matrix } | Attend | FusedLinear | FusedExperts;

/** A linear map and how it ends. */
export interface FusedLinear {
  readonly op: "linear";
  readonly matrix: Matrix;
  readonly finish: FinishName;
  /** "scaled": what a norm has left. */
  readonly in: Activation | "scaled";
  /** For qkv: "q". "routes": a router's products. */
  readonly out: Activation | "routes";
  readonly norm: Linear["norm"] | undefined;
  readonly bias: Bias | null;
  /** For qkv: which of the three the matrix holds, in their order, and the layer whose cache takes k and v. */
  readonly parts: readonly Activation[];
  readonly layer: number;
}

export interface FusedSegment {
  readonly name: string;
  readonly steps: readonly Fused[];
}

/** Most rows of a fused map of queries, keys and values: as many addends fit a uniform (shaders/addend_uniform.wgsl). */
const UNIFORM_ROWS = 16384;

/** How many bytes of one binding the rows of a matrix take. */
export function planeBytes(layout: LayoutName, rows: number, cols: number): number {
  const { words, upperWords } = LAYOUTS[layout];
  return rows * Math.ceil(cols / 32) * 4 * (words + upperWords);
}

/** The layout a tensor rests in: its own type's, or Q8_0 for the types that have none. */
export function layoutOf(tensor: Tensor): LayoutName {
  const { type } = tensor;
  return isLayout(type) ? type : "Q8_0";
}

function isLayout(type: string): type is LayoutName {
  return Object.hasOwn(LAYOUTS, type);
}

/** Fuses every segment of a model. Maps whose weights would not fit one binding of `bindingBytes` stay apart. */
export function fuse(model: Model, bindingBytes: number): FusedSegment[] {
  const matrices = new Map<string, Matrix>(); // by name, so that a tied head shares the embedding's
  const matrix: MakeMatrix = (tensors, unit) => {
    const name = tensors.map((tensor) => tensor.name).join(" + ");
    const rows = tensors.reduce((sum, tensor) => sum + tensor.rows, 0);
    const made = matrices.get(name) ?? {
      name,
      layout: layoutOf(tensors[0]!),
      tensors,
      rows,
      cols: tensors[0]!.cols,
      ...(unit && { unit }),
    };
    matrices.set(name, made);
    return made;
  };
  return model.segments.map((segment) => fuseSegment(segment, matrix, bindingBytes));
}

type MakeMatrix = (tensors: readonly Tensor[], unit?: number) => Matrix;

function fuseSegment(segment: Segment, matrix: MakeMatrix, bindingBytes: number): FusedSegment {
  const layer = segment.steps.find((step) => step.op === "attend")?.layer ?? 0;
  const steps: Fused[] = [];
  for (let i = 0; i < segment.steps.length;) {
    const step = segment.steps[i]!;
    if (step.op !== "linear") {
      steps.push(fuseOther(step, matrix));
      i++;
      continue;
    }
    const group = neighbours(segment.steps, i, bindingBytes);
    const finish = finishOf(group);
    const weights = matrix(group.map((linear) => linear.weight));
    const parts = finish === "qkv" ? group.map((linear) => linear.out) : [];
    const { in: input, out, norm } = step;
    steps.push({ op: "linear", matrix: weights, finish, in: input, out, norm, bias: biasOf(group), parts, layer });
    i += group.length;
  }
  return { name: segment.name, steps };
}

function fuseOther(step: Exclude<Step, Linear>, matrix: MakeMatrix): Fused {
  if (step.op === "attend") return step;
  if (step.op === "embed") return { op: "embed", matrix: matrix([step.weight]) };
  const { op, norm, count, used } = step;
  const each = (tensor: Tensor): Matrix => matrix([tensor], tensor.rows / count);
  const [gate, up, down] = [each(step.gate), each(step.up), each(step.down)];
  return { op, norm, count, used, router: matrix([step.router]), gate, up, down };
}

function biasOf(group: readonly Linear[]): Bias | null {
  const places: { tensor: Tensor; firstRow: number }[] = [];
  let rows = 0;
  for (const { weight, bias } of group) {
    if (bias) places.push({ tensor: bias, firstRow: rows });
    rows += weight.rows;
  }
  return places.length > 0 ? { rows, places } : null;
}

/** The linear steps from i on that one kernel can take together. */
function neighbours(steps: readonly Step[], i: number, bindingBytes: number): Linear[] {
  const group: Linear[] = [];
  for (const step of steps.slice(i)) {
    if (step.op !== "linear" || !joins(group, step)) break;
    const rows = group.reduce((sum, linear) => sum + linear.weight.rows, step.weight.rows);
    if (group.length > 0 && planeBytes(layoutOf(step.weight), rows, step.weight.cols) > bindingBytes) break;
    if (group.length > 0 && isQkv(step) && rows > UNIFORM_ROWS) break;
    group.push(step);
  }
  return group;
}

function joins(group: readonly Linear[], next: Linear): boolean {
  const first = group[0];
  if (!first) return true;
  // The next tensor has to begin at whole words of every plane.
  if ((first.weight.rows * Math.ceil(first.weight.cols / 32)) % 8 !== 0) return false;
  if (first.in !== next.in || first.norm?.weight !== next.norm?.weight || layoutOf(first.weight) !== layoutOf(next.weight))
    return false;
  const gated = group.length === 1 && first.out === "gate" && first.then === "store" && next.then === "silu_multiply";
  return gated || (isQkv(first) && isQkv(next));
}

function isQkv(linear: Linear): boolean {
  return linear.out === "q" || linear.out === "k" || linear.out === "v";
}

function finishOf(group: readonly Linear[]): FinishName {
  const first = group[0]!;
  if (isQkv(first)) return "qkv";
  if (group.length === 2) return "silu";
  return ({ store: "store", rope: "store", add: "add", silu_multiply: "multiply" } as const)[first.then];
}

/** Every matrix, once. */
export function matricesOf(segments: readonly FusedSegment[]): Set<Matrix> {
  const matrices = segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "embed" ? [step.matrix] : [])));
  return new Set([...matrices, ...readMatrices(segments).map(({ matrix }) => matrix)]);
}

/** Matrices read for one token, and the part that is read of each: all but an embedding that is not the head too. */
export function readMatrices(segments: readonly FusedSegment[]): { readonly matrix: Matrix; readonly part: number }[] {
  return segments.flatMap(({ steps }) =>
    steps.flatMap((step) => {
      if (step.op === "linear") return [{ matrix: step.matrix, part: 1 }];
      if (step.op !== "experts") return [];
      const { router, gate, up, down, used, count } = step;
      return [{ matrix: router, part: 1 }, ...[gate, up, down].map((matrix) => ({ matrix, part: used / count }))];
    }),
  );
}

/** The weights of norms. */
export function normsOf(segments: readonly FusedSegment[]): Tensor[] {
  return segments.flatMap(({ steps }) => steps.flatMap((step) => normOf(step)?.weight ?? []));
}

/** The norm of what a step reads. */
export function normOf(step: Fused): Norm | null {
  return ((step.op === "linear" || step.op === "experts") && step.norm) || null;
}

/** What maps add to their products. */
export function biasesOf(segments: readonly FusedSegment[]): Bias[] {
  return segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "linear" && step.bias ? [step.bias] : [])));
}
