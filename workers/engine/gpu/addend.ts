// What is added to the products of a linear map before they end: its bias, and what the adapters in use change (LoRA).
import { ADDENDS, type AddendName, KERNELS } from "../../../shaders/index.ts";
import type { Dispatch, Parts, Rows } from "./dispatch.ts";
import { buffersOf } from "./dispatch.ts";
import type { FusedLinear } from "./fuse.ts";
import type { Held } from "./adapters.ts";

/** An addend of a linear map. */
export interface Addend {
  readonly name: AddendName;
  /** WGSL of end(). */
  readonly wgsl: string;
  /** [rows] floats where they are the same for all tokens, else [tokens, rows]; null where there is nothing to add. */
  readonly buffer: GPUBuffer | null;
  /** Floats from one token's to the next one's. */
  readonly stride: number;
  /** What has to run first. */
  readonly dispatches: readonly Dispatch[];
}

/** The addend of a map; `crowded`: the kernel has no storage buffer left to bind. */
export function addendOf(parts: Parts, step: FusedLinear, input: GPUBuffer, rows: Rows, crowded: boolean): Addend {
  const { weights, adapters, adapterRoom } = parts;
  const bias = step.bias && weights.bias(step.bias);
  const changing = adapters.filter(({ changes }) => changes.has(step.matrix));
  const name = crowded ? "uniform" : "rows";
  if (changing.length === 0 || !adapterRoom) {
    if (!bias) return { name: "none", wgsl: ADDENDS.none, buffer: null, stride: 0, dispatches: [] };
    return { name, wgsl: ADDENDS[name], buffer: bias, stride: 0, dispatches: [] };
  }
  const buffer = crowded ? adapterRoom.row : adapterRoom.rows;
  const dispatches = changing.flatMap((adapter, i) =>
    lowRank(parts, step, adapter, { input, bias, addend: buffer, rows, before: i > 0 }),
  );
  return { name, wgsl: ADDENDS[name], buffer, stride: step.matrix.rows, dispatches };
}

interface Place {
  readonly input: GPUBuffer;
  readonly bias: GPUBuffer | null;
  readonly addend: GPUBuffer;
  readonly rows: Rows;
  /** True where another adapter has been here before. */
  readonly before: boolean;
}

/** addend = base + strength · B·(A·x), in two dispatches. */
function lowRank({ programs, memory }: Parts, step: FusedLinear, adapter: Held, place: Place): Dispatch[] {
  const { matrix, norm } = step;
  const { down, up, rank } = adapter.changes.get(matrix)!;
  const { input, bias, addend, before } = place;
  const deferred = norm !== undefined && place.rows === "one";
  const [first = 0, second = 0] = matrix.tensors.map((tensor) => tensor.rows);
  const low = rank * matrix.tensors.length;
  const numbers = {
    BLOCKS: Math.ceil(matrix.cols / 32),
    LOW: low,
    NORM: deferred ? 1 : 0,
    WIDTH: matrix.cols,
    EPSILON: norm?.epsilon ?? 0,
    ROWS: matrix.rows,
    FIRST_END: first,
    SECOND_END: first + second,
    RANK: rank,
    BASE: before ? 2 : bias ? 1 : 0,
  };
  const buffers = {
    ...buffersOf(memory),
    ...{ down, up, input, addend, low: adapter.low, strength: adapter.strength, bias: bias ?? up },
    squares: deferred ? memory.squares : input,
  };
  return [
    { program: programs.program(KERNELS.shrink, numbers), buffers, grid: [low, { tokens: 1 }, 1], merges: false },
    {
      program: programs.program(KERNELS.expand, numbers),
      buffers,
      grid: [Math.ceil(matrix.rows / 64), { tokens: 4 }, 1],
      merges: false,
    },
  ];
}
