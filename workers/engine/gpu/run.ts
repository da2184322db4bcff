// Issues work to the GPU; no other file does so while a model runs. Per submit: one encoder, one pass, one command buffer.
import { type Gpu, gpuLost } from "./device.ts";
import type { Memory } from "./memory.ts";
import { MAX_SPLITS, PICKED, SPLIT } from "./memory.ts";
import type { Dispatch, Extent } from "./dispatch.ts";
import type { Programs } from "./program.ts";

/** A dispatch with nothing left to look up. */
export interface Ready {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly [Extent, Extent, Extent];
  readonly merges: boolean;
  readonly window: number;
}

/** Looks up pipelines and makes bind groups, once. */
export function makeReady(programs: Programs, dispatches: readonly Dispatch[]): Ready[] {
  return dispatches.map(({ program, buffers, grid, merges, window = Infinity }) => {
    return { pipeline: programs.pipeline(program), group: programs.bind(program, buffers), grid, merges, window };
  });
}

/** Tokens picked on the device, as a submit left them. */
export interface Picked {
  /** All tokens picked so far. */
  readonly steps: number;
  /** True after an end token. */
  readonly stopped: boolean;
  /** Token of a step; the last PICKED steps are known. */
  token(step: number): number;
}

/** A run of bytes of a buffer. */
export interface Span {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The GPU's queue, and the way back from it. */
export class Runner {
  private readonly idle: GPUBuffer[] = [];
  private readonly logitsBack: GPUBuffer;

  constructor(
    private readonly gpu: Gpu,
    private readonly memory: Memory,
    makeBuffer: (label: string, sizeBytes: number, usage: GPUBufferUsageFlags) => GPUBuffer,
  ) {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    for (let i = 0; i < 3; i++) this.idle.push(makeBuffer(`picked ${i}`, memory.picked.size, usage));
    this.logitsBack = makeBuffer("logits back", memory.logits.size, usage);
  }

  /** Sets where the run stands: `tokens` of them, the first at `position`. */
  place(position: number, tokens: number, first = 0): void {
    this.gpu.device.queue.writeBuffer(this.memory.state, 0, Uint32Array.of(position, tokens, 0, 0, first));
  }

  setTokens(tokens: Uint32Array): void {
    this.write(this.memory.ids, 0, tokens);
  }

  setHistory(position: number, tokens: Uint32Array): void {
    if (tokens.length > 0) this.write(this.memory.history, 4 * position, tokens);
  }

  setSampling(bytes: ArrayBuffer): void {
    this.gpu.device.queue.writeBuffer(this.memory.sampling, 0, bytes);
  }

  /** Submits dispatches for `tokens` tokens at `position`. */
  submit(runs: readonly { readonly dispatches: readonly Ready[]; readonly position: number; readonly tokens: number }[]): void {
    const encoder = this.encode(runs);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Submits, and gives what has been picked when it is done. Waits in a ring of buffers: at most three at a time. */
  async submitAndFetch(runs: Parameters<Runner["submit"]>[0]): Promise<Picked> {
    const { picked } = this.memory;
    const back = this.idle.pop()!;
    const encoder = this.encode(runs);
    encoder.copyBufferToBuffer(picked, 0, back, 0, picked.size);
    this.gpu.device.queue.submit([encoder.finish()]);
    const words = new Uint32Array(await this.read(back, picked.size));
    this.idle.push(back);
    return { steps: words[0]!, stopped: words[1] !== 0, token: (step) => words[2 + (step % PICKED)]! };
  }

  /** Submits, and gives the logits [rows, vocab] that are left. */
  async submitForLogits(runs: Parameters<Runner["submit"]>[0], rows: number): Promise<Float32Array> {
    const { logits, width } = this.memory;
    const size = 4 * rows * width.logits;
    const encoder = this.encode(runs);
    encoder.copyBufferToBuffer(logits, 0, this.logitsBack, 0, size);
    this.gpu.device.queue.submit([encoder.finish()]);
    return new Float32Array(await this.read(this.logitsBack, size));
  }

  /** What buffers hold, one span after another, once everything submitted is done. Sizes and offsets are multiples of 4. */
  async fetch(spans: readonly Span[]): Promise<ArrayBuffer> {
    this.gpu.check();
    const { device } = this.gpu;
    const size = spans.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const back = device.createBuffer({ label: "back", size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    let at = 0;
    for (const { buffer, offset, sizeBytes } of spans) {
      encoder.copyBufferToBuffer(buffer, offset, back, at, sizeBytes);
      at += sizeBytes;
    }
    device.queue.submit([encoder.finish()]);
    const bytes = await this.read(back, size);
    back.destroy();
    return bytes;
  }

  /** Writes into a buffer, behind everything submitted. Size and offset are multiples of 4. */
  put(buffer: GPUBuffer, offset: number, bytes: Uint8Array): void {
    this.gpu.device.queue.writeBuffer(buffer, offset, bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Resolves when everything submitted is done. */
  async finished(): Promise<void> {
    await this.gpu.device.queue.onSubmittedWorkDone();
    this.gpu.check();
  }

  private encode(runs: Parameters<Runner["submit"]>[0]): GPUCommandEncoder {
    this.gpu.check();
    const encoder = this.gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let pipeline: GPUComputePipeline | null = null;
    for (const { dispatches, position, tokens } of runs) {
      for (const dispatch of dispatches) {
        const splits = Math.min(Math.ceil(Math.min(position + 1, dispatch.window) / SPLIT), MAX_SPLITS);
        const extent = (e: Extent): number =>
          typeof e === "number" ? e : e === "splits" ? splits : Math.ceil(tokens / e.tokens) * (e.times ?? 1);
        if (dispatch.merges && splits === 1) continue;
        if (dispatch.pipeline !== pipeline) pass.setPipeline((pipeline = dispatch.pipeline));
        pass.setBindGroup(0, dispatch.group);
        pass.dispatchWorkgroups(extent(dispatch.grid[0]), extent(dispatch.grid[1]), extent(dispatch.grid[2]));
      }
    }
    pass.end();
    return encoder;
  }

  private async read(buffer: GPUBuffer, size: number): Promise<ArrayBuffer> {
    try {
      await buffer.mapAsync(GPUMapMode.READ, 0, size);
    } catch {
      this.gpu.check();
      throw gpuLost("its memory cannot be read any more"); // the device will say so itself in a moment
    }
    this.gpu.check();
    const copy = buffer.getMappedRange(0, size).slice(0);
    buffer.unmap();
    return copy;
  }

  private write(buffer: GPUBuffer, offset: number, words: Uint32Array): void {
    this.gpu.device.queue.writeBuffer(buffer, offset, words.buffer, words.byteOffset, words.byteLength);
  }
}
