// Adapters in GPU memory, beside the weights: what each changes, and which are in use.
import type { Adapter, AdapterRack, Applied, LowRank } from "../base/adapter.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Shape } from "../base/model.ts";
import { Buffers } from "./buffers.ts";
import type { FusedSegment, Matrix } from "./fuse.ts";
import { LOGIT_ROWS } from "./memory.ts";
import { addendBytes } from "./weights.ts";

/** Positions of a learned prompt whose scores fit the least shared memory a GPU has. */
const MAX_PROMPT = 4096;

/** A low-rank change of a matrix, for shaders/shrink.wgsl and expand.wgsl. */
export interface Change {
  readonly down: GPUBuffer; // A of each tensor [tensors · rank, cols filled up to 32s] f32
  readonly up: GPUBuffer; // B of all tensors, transposed [rank, rows] f32
  /** Largest of the tensors'; smaller ones are filled up with zeros. */
  readonly rank: number;
}

/** A learned prompt of a layer, for shaders/prompt.wgsl. */
export interface Prompt {
  readonly length: number;
  readonly keys: GPUBuffer; // [length, kv heads · head dim] f32
  readonly values: GPUBuffer; // likewise
  readonly gates: GPUBuffer; // [heads] f32
}

/** An adapter in GPU memory. */
export interface Held {
  readonly id: number;
  readonly changes: ReadonlyMap<Matrix, Change>;
  /** By layer. */
  readonly prompts: ReadonlyMap<number, Prompt>;
  readonly low: GPUBuffer; // [chunk, tensors · rank] f32, of the largest change
  readonly strength: GPUBuffer; // vec4f, of which x counts
  readonly buffers: Buffers;
}

/** Where adapters leave what is added to the products of a matrix. */
export interface AdapterRoom {
  readonly rows: GPUBuffer; // [chunk, rows of the widest matrix] f32; for the head [LOGIT_ROWS, vocab]
  readonly row: GPUBuffer; // of one token, as a uniform
}

/** The adapters of one model. */
export class Rack implements AdapterRack {
  private readonly held = new Map<number, Held>();
  private readonly matrices: ReadonlyMap<string, Matrix>;
  private readonly common: Buffers;
  private made: AdapterRoom | null = null;
  private used: readonly Held[] = [];
  private count = 0;

  /** `prepare` compiles what adapters need; `apply` makes plans with these and no others. */
  constructor(
    private readonly device: GPUDevice,
    private readonly shape: Shape,
    private readonly segments: readonly FusedSegment[],
    private readonly chunk: number,
    private readonly prepare: (adapters: readonly Held[]) => Promise<void>,
    private readonly apply: (adapters: readonly Held[]) => void,
  ) {
    this.common = new Buffers(device);
    const maps = segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "linear" ? [step.matrix] : [])));
    this.matrices = new Map(maps.flatMap((matrix) => matrix.tensors.map((tensor) => [tensor.name, matrix])));
  }

  /** Null before the first adapter. */
  get room(): AdapterRoom | null {
    return this.made;
  }

  /** Bytes held. */
  get bytes(): number {
    return [...this.held.values()].reduce((sum, { buffers }) => sum + buffers.bytes, this.common.bytes);
  }

  async add(adapter: Adapter): Promise<number> {
    this.check(adapter);
    const buffers = new Buffers(this.device);
    this.device.pushErrorScope("out-of-memory");
    this.made ??= this.makeRoom();
    const held = await this.place(adapter, buffers);
    if (await this.device.popErrorScope()) {
      buffers.dispose();
      throw new EngineError(
        "out_of_memory",
        "The GPU has no memory for the adapter.",
        "Unload another one, or choose a smaller model.",
      );
    }
    await this.prepare([held, held]); // as the first and as one behind others
    this.held.set(held.id, held);
    return held.id;
  }

  remove(adapter: number): void {
    const held = this.get(adapter);
    this.held.delete(adapter);
    if (this.used.includes(held)) this.apply((this.used = this.used.filter((other) => other !== held)));
    held.buffers.dispose();
  }

  use(applied: readonly Applied[]): void {
    const strengths = new Map<Held, number>();
    for (const { adapter, scale } of applied) {
      const held = this.get(adapter);
      strengths.set(held, (strengths.get(held) ?? 0) + scale);
    }
    const used = [...strengths.keys()].filter((held) => strengths.get(held) !== 0).sort((a, b) => a.id - b.id);
    for (const held of used) this.device.queue.writeBuffer(held.strength, 0, Float32Array.of(strengths.get(held)!));
    if (used.length !== this.used.length || used.some((held, i) => held !== this.used[i])) this.apply(used);
    this.used = used;
  }

  dispose(): void {
    for (const { buffers } of this.held.values()) buffers.dispose();
    this.held.clear();
    this.common.dispose();
  }

  private get(adapter: number): Held {
    const held = this.held.get(adapter);
    assert(held, `There is no adapter ${adapter}.`);
    return held;
  }

  private check({ lowRank, prompts }: Adapter): void {
    const { layers, heads, kvHeads, headDim } = this.shape;
    for (const [layer, { length, keys, values, gates }] of prompts) {
      if (layer >= layers) throw misfit(`It has a prompt for layer ${layer + 1} of ${layers}.`);
      const size = length * kvHeads * headDim;
      if (length > MAX_PROMPT || keys.length !== size || values.length !== size || gates.length !== heads) {
        throw misfit(`Its prompt of ${length} positions is not for ${heads} heads of ${headDim} over ${kvHeads}.`);
      }
    }
    for (const [name, { rank, a, b }] of lowRank) {
      const tensor = this.matrices.get(name)?.tensors.find((each) => each.name === name);
      if (!tensor) throw misfit(`It changes ${name}, which this model does not have.`);
      if (a.length !== rank * tensor.cols || b.length !== rank * tensor.rows) {
        throw misfit(`Its change of ${name} is not for a weight of ${tensor.rows} x ${tensor.cols}.`);
      }
    }
  }

  private makeRoom(): AdapterRoom {
    const layers = this.segments.slice(0, -1).flatMap(({ steps }) => steps);
    const widest = Math.max(...layers.map((step) => (step.op === "linear" ? step.matrix.rows : 0)));
    const floats = Math.max(this.chunk * widest, LOGIT_ROWS * this.shape.vocab);
    return {
      rows: this.common.storage("addends", 4 * floats),
      row: this.common.storage("addends of a token", addendBytes(0), GPUBufferUsage.UNIFORM),
    };
  }

  private async place(adapter: Adapter, buffers: Buffers): Promise<Held> {
    const changes = new Map<Matrix, Change>();
    for (const name of adapter.lowRank.keys()) {
      const matrix = this.matrices.get(name)!;
      if (changes.has(matrix)) continue;
      changes.set(matrix, placeChange(buffers, matrix, adapter.lowRank));
      await this.device.queue.onSubmittedWorkDone(); // what is written waits in memory of its own until then
    }
    const widest = Math.max(1, ...[...changes].map(([matrix, { rank }]) => rank * matrix.tensors.length));
    const prompts = new Map<number, Prompt>();
    for (const [layer, { length, keys, values, gates }] of adapter.prompts) {
      prompts.set(layer, {
        length,
        keys: placed(buffers, `prompt keys ${layer}`, keys),
        values: placed(buffers, `prompt values ${layer}`, values),
        gates: placed(buffers, `prompt gates ${layer}`, gates),
      });
    }
    return {
      id: this.count++,
      changes,
      prompts,
      low: buffers.storage("low", 4 * this.chunk * widest),
      strength: buffers.make("strength", 16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
      buffers,
    };
  }
}

function placeChange(buffers: Buffers, matrix: Matrix, all: ReadonlyMap<string, LowRank>): Change {
  const { tensors, rows, cols, name } = matrix;
  const rank = Math.max(...tensors.map((tensor) => all.get(tensor.name)?.rank ?? 0));
  const width = Math.ceil(cols / 32) * 32;
  const down = new Float32Array(tensors.length * rank * width);
  const up = new Float32Array(rank * rows);
  let firstRow = 0;
  for (const [i, tensor] of tensors.entries()) {
    const change = all.get(tensor.name);
    for (let r = 0; change && r < change.rank; r++) {
      down.set(change.a.subarray(r * cols, (r + 1) * cols), (i * rank + r) * width);
      for (let row = 0; row < tensor.rows; row++) up[r * rows + firstRow + row] = change.b[row * change.rank + r]!;
    }
    firstRow += tensor.rows;
  }
  return { down: placed(buffers, `${name} down`, down), up: placed(buffers, `${name} up`, up), rank };
}

function placed(buffers: Buffers, label: string, floats: Float32Array): GPUBuffer {
  const buffer = buffers.storage(label, floats.byteLength);
  buffers.device.queue.writeBuffer(buffer, 0, floats.buffer, floats.byteOffset, floats.byteLength);
  return buffer;
}

function misfit(why: string): EngineError {
  return new EngineError("bad_file", `The adapter does not fit the model. ${why}`, "Choose an adapter made for this model.");
}
