// A bench for kernels of linear maps: W in any type, X of any length, the product on the GPU and in double precision.
import { LAYOUTS, type LayoutName } from "../../shaders/layouts.ts";
import { QUANTS } from "../../shaders/quant/index.ts";
import { random } from "../../workers/engine/base/random.ts";
import { Buffers } from "../../workers/engine/gpu/buffers.ts";
import type { Gpu } from "../../workers/engine/gpu/device.ts";
import type { Rows } from "../../workers/engine/gpu/dispatch.ts";
import type { FusedLinear } from "../../workers/engine/gpu/fuse.ts";
import type { Tuning } from "../../workers/engine/gpu/lanes.ts";
import { linear, quantize, takesIntegers } from "../../workers/engine/gpu/linear.ts";
import { makeMemory } from "../../workers/engine/gpu/memory.ts";
import { Programs } from "../../workers/engine/gpu/program.ts";
import { makeReady, Runner } from "../../workers/engine/gpu/run.ts";
import type { Tier } from "../../workers/engine/gpu/tiers.ts";
import { Weights } from "../../workers/engine/gpu/weights.ts";

export interface Product {
  readonly type: LayoutName;
  readonly rows: number;
  readonly cols: number;
  readonly tokens: number;
  readonly kernel: Rows;
  readonly lanes: number;
}

/** The largest difference between the GPU's product and the true one, over the RMS of the true one. */
export async function productError(gpu: Gpu, tier: Tier, { type, rows, cols, tokens, kernel, lanes }: Product): Promise<number> {
  const buffers = new Buffers(gpu.device);
  const programs = new Programs(gpu.device);
  const bytes = blocksOf(type, rows, cols);
  const tensor = { name: "w", type, rows, cols, offset: 0, sizeBytes: bytes.length };
  const matrix = { name: "w", layout: type, tensors: [tensor], rows, cols };
  const weights = new Weights(buffers, programs, gpu.bindingBytes, [matrix], []);
  await weights.write(tensor, 0, bytes);
  const shape = { layers: 1, dim: cols, ffnDim: rows, heads: 1, kvHeads: 1, headDim: 8, vocab: 8, contextLength: 8, epsilon: 0 };
  const rope = { dims: 8, frequencies: new Float32Array(4), magnitude: 1 };
  const memory = makeMemory(buffers, { shape, rope, segments: [] }, 8, tokens);
  const runner = new Runner(gpu, memory, (...args) => buffers.make(...args));
  const tuning: Tuning = {
    lanes: { [cols]: { threads: 64, lanes } },
    many: kernel === "many" ? (tier.integers ? "tiles_int8" : "tiles") : "few",
    milliseconds: 0,
  };
  const parts = {
    shape,
    ropeDims: 8,
    memory,
    weights,
    programs,
    tuning,
    tier,
    subgroupSize: gpu.subgroupSize,
    adapters: [],
    adapterRoom: null,
  };
  const step: FusedLinear = {
    op: "linear",
    matrix,
    finish: "store",
    in: "hidden",
    out: "gate",
    norm: undefined,
    bias: null,
    parts: [],
    layer: 0,
  };
  const padded = memory.width.hidden;
  const x = new Float32Array(tokens * padded);
  for (let token = 0; token < tokens; token++) for (let i = 0; i < cols; i++) x[token * padded + i] = random(7 + token, i) - 0.5;
  gpu.device.queue.writeBuffer(memory.hidden, 0, x);
  const prepared = takesIntegers(parts, step, kernel) ? [quantize(parts, step)] : [];
  const dispatches = [...prepared, ...linear(parts, step, null, kernel)];
  await programs.compile(dispatches.map((dispatch) => dispatch.program));
  runner.place(0, tokens);
  runner.submit([{ dispatches: makeReady(programs, dispatches), position: 0, tokens }]);
  const found = await readFloats(gpu.device, memory.gate);
  gpu.check();
  const truth = new Float32Array(rows * cols);
  QUANTS[type].dequantize(bytes, truth);
  let worst = 0;
  let size = 0;
  for (let token = 0; token < tokens; token++) {
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let i = 0; i < cols; i++) sum += truth[row * cols + i]! * x[token * padded + i]!;
      worst = Math.max(worst, Math.abs(sum - found[token * memory.width.gate + row]!));
      size += sum ** 2;
    }
  }
  buffers.dispose();
  return worst / Math.sqrt(size / (rows * tokens));
}

/** A buffer's floats. */
export async function readFloats(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const back = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, back, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await back.mapAsync(GPUMapMode.READ);
  const floats = new Float32Array(back.getMappedRange().slice(0));
  back.destroy();
  return floats;
}

/** Random bytes that are blocks of a type: any bits will do for quants, scales have to be small numbers. */
function blocksOf(type: LayoutName, rows: number, cols: number): Uint8Array {
  const floats = Float32Array.from({ length: rows * cols }, (_, i) => random(3, i) - 0.4);
  const quant = QUANTS[type];
  const bytes = new Uint8Array((floats.length / quant.blockSize) * quant.blockBytes);
  if ("quantize" in quant) quant.quantize(floats, bytes);
  else if (type === "F32") bytes.set(new Uint8Array(floats.buffer));
  else throw new Error(`${type} has no quantize`);
  return bytes;
}

/** All layouts by name. */
export const LAYOUT_NAMES = Object.keys(LAYOUTS).filter((name): name is LayoutName => Object.hasOwn(LAYOUTS, name));
