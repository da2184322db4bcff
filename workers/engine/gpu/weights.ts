// Weights on their way into GPU memory and at rest there: GGUF bytes go through a small staging buffer and are repacked on the GPU.
import { KERNELS } from "../../../shaders/index.ts";
import { kernel } from "../../../shaders/kernel.ts";
import { LAYOUTS } from "../../../shaders/layouts.ts";
import type { LayoutName } from "../../../shaders/layouts.ts";
import { QUANTS } from "../../../shaders/quant/index.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Tensor } from "../base/model.ts";
import type { Buffers } from "./buffers.ts";
import type { Bias, Matrix } from "./fuse.ts";
import { layoutOf, planeBytes } from "./fuse.ts";
import type { Programs } from "./program.ts";

/** Rows are written in groups of 8: no two pieces share a word of a plane. */
export const ROW_GROUP = 8;
const STAGING_BYTES = 4 * 2 ** 20;

/** Rows of a matrix in one pair of buffers. */
export interface Part {
  readonly firstRow: number;
  readonly rows: number;
  readonly quants: GPUBuffer;
  readonly scales: GPUBuffer;
  /** vec4u in `quants` where the plane of upper bits begins. */
  readonly upper: number;
}

interface Place {
  readonly matrix: Matrix;
  /** Row of the matrix that the tensor begins at. */
  readonly firstRow: number;
}

/** The weights of a model, in the order they are needed in. */
export class Weights {
  private readonly parts = new Map<Matrix, readonly Part[]>();
  private readonly places = new Map<string, Place[]>();
  private readonly vectors = new Map<string, GPUBuffer>();
  private readonly biases = new Map<Bias, GPUBuffer>();
  private readonly biasPlaces = new Map<string, { readonly buffer: GPUBuffer; readonly firstRow: number }>();
  private readonly staging: GPUBuffer;
  private readonly piece: GPUBuffer;

  constructor(
    private readonly buffers: Buffers,
    private readonly programs: Programs,
    private readonly bindingBytes: number,
    matrices: Iterable<Matrix>,
    vectors: Iterable<Tensor>,
    biases: Iterable<Bias> = [],
  ) {
    this.staging = buffers.storage("staging", STAGING_BYTES);
    this.piece = buffers.make("piece", 16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    for (const matrix of matrices) this.add(matrix);
    for (const { name, cols } of vectors) {
      if (!this.vectors.has(name)) this.vectors.set(name, buffers.storage(name, 4 * Math.ceil(cols / 32) * 32));
    }
    for (const bias of biases) {
      const buffer = buffers.storage("bias", addendBytes(bias.rows), GPUBufferUsage.UNIFORM);
      this.biases.set(bias, buffer);
      for (const { tensor, firstRow } of bias.places) this.biasPlaces.set(tensor.name, { buffer, firstRow });
    }
  }

  /** Bytes of a matrix that one product reads. */
  bytesOf(matrix: Matrix): number {
    return this.partsOf(matrix).reduce((sum, part) => sum + part.quants.size + part.scales.size, 0);
  }

  partsOf(matrix: Matrix): readonly Part[] {
    const parts = this.parts.get(matrix);
    assert(parts, `${matrix.name} has no place in GPU memory.`);
    return parts;
  }

  /** Weight of a norm, as floats, filled up with zeros to a multiple of 32. */
  vector(tensor: Tensor): GPUBuffer {
    const buffer = this.vectors.get(tensor.name);
    assert(buffer, `${tensor.name} has no place in GPU memory.`);
    return buffer;
  }

  /** A bias as floats [rows], for storage and as a uniform. */
  bias(bias: Bias): GPUBuffer {
    const buffer = this.biases.get(bias);
    assert(buffer, "A bias has no place in GPU memory.");
    return buffer;
  }

  /** Takes rows of a tensor as GGUF bytes; firstRow is a multiple of ROW_GROUP. */
  async write(tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> {
    const { device } = this.buffers;
    const vector = this.vectors.get(tensor.name);
    if (vector) return device.queue.writeBuffer(vector, 0, floatsOf(tensor, bytes));
    const bias = this.biasPlaces.get(tensor.name);
    if (bias) return device.queue.writeBuffer(bias.buffer, 4 * bias.firstRow, floatsOf(tensor, bytes));
    const type = layoutOf(tensor);
    const packed = type === tensor.type ? bytes : requantize(tensor, bytes);
    const { blockSize, blockBytes } = QUANTS[type];
    const rowBytes = (tensor.cols / blockSize) * blockBytes;
    const step = Math.max(1, Math.floor(STAGING_BYTES / rowBytes / ROW_GROUP)) * ROW_GROUP;
    const rows = packed.byteLength / rowBytes;
    for (const { matrix, firstRow: base } of this.places.get(tensor.name) ?? []) {
      for (const part of this.partsOf(matrix)) {
        const from = Math.max(part.firstRow, base + firstRow);
        const to = Math.min(part.firstRow + part.rows, base + firstRow + rows);
        for (let row = from; row < to; row += step) {
          const count = Math.min(step, to - row);
          const offset = (row - base - firstRow) * rowBytes;
          this.repack(matrix, part, row - part.firstRow, count, packed.subarray(offset, offset + count * rowBytes));
        }
      }
    }
    // Bytes given to writeBuffer wait in memory of their own until the GPU has taken them.
    await device.queue.onSubmittedWorkDone();
  }

  private repack(matrix: Matrix, part: Part, firstRow: number, rows: number, bytes: Uint8Array): void {
    const { device } = this.buffers;
    const layout = LAYOUTS[matrix.layout];
    const blocks = Math.ceil(matrix.cols / 32);
    writeBytes(device, this.staging, bytes);
    device.queue.writeBuffer(this.piece, 0, Uint32Array.of(firstRow * blocks, rows * blocks, part.upper * 4, matrix.cols));
    const program = repackProgram(this.programs, matrix.layout);
    const group = this.programs.bind(program, { raw: this.staging, quants: part.quants, scales: part.scales, piece: this.piece });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.programs.pipeline(program));
    pass.setBindGroup(0, group);
    const groups = Math.ceil((rows * blocks) / layout.unit / 64);
    const wide = Math.min(groups, 4096);
    pass.dispatchWorkgroups(wide, Math.ceil(groups / wide));
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  private add(matrix: Matrix): void {
    let unit = ROW_GROUP; // a part begins at a multiple of it
    while (unit % (matrix.unit ?? 1) !== 0) unit += ROW_GROUP;
    const most = Math.floor(this.bindingBytes / planeBytes(matrix.layout, unit, matrix.cols)) * unit;
    if (most === 0 && matrix.unit) throw tooLarge(matrix, this.bindingBytes);
    const count = Math.ceil(matrix.rows / most);
    const each = Math.ceil(matrix.rows / count / unit) * unit;
    const parts: Part[] = [];
    for (let firstRow = 0; firstRow < matrix.rows; firstRow += each) {
      parts.push(this.makePart(matrix, firstRow, Math.min(each, matrix.rows - firstRow)));
    }
    this.parts.set(matrix, parts);
    let row = 0;
    for (const tensor of matrix.tensors) {
      const places = this.places.get(tensor.name) ?? [];
      this.places.set(tensor.name, [...places, { matrix, firstRow: row }]);
      row += tensor.rows;
    }
  }

  private makePart(matrix: Matrix, firstRow: number, rows: number): Part {
    const { words, upperWords, scaleWords } = LAYOUTS[matrix.layout];
    const blocks = Math.ceil(rows / ROW_GROUP) * ROW_GROUP * Math.ceil(matrix.cols / 32);
    const quants = this.buffers.storage(`${matrix.name} quants`, blocks * 4 * (words + upperWords));
    const scales = this.buffers.storage(`${matrix.name} scales`, blocks * 4 * scaleWords);
    return { firstRow, rows, quants, scales, upper: (blocks * words) / 4 };
  }
}

function tooLarge({ name }: Matrix, bindingBytes: number): EngineError {
  const why = `An expert of ${name} does not fit the ${bindingBytes / 2 ** 20} MiB that this GPU binds at a time.`;
  return new EngineError("out_of_memory", why, "Choose a smaller quantization, or the WASM backend.");
}

/** Bytes of a buffer of addends to so many rows: at least what shaders/addend_uniform.wgsl binds. */
export function addendBytes(rows: number): number {
  return Math.max(2 ** 16, 4 * rows);
}

/** The program that brings a type into its layout. */
export function repackProgram(programs: Programs, layout: LayoutName): ReturnType<Programs["program"]> {
  const { repack, unit, constants } = LAYOUTS[layout];
  return programs.program(kernel(`repack ${layout}`, KERNELS.repack.wgsl, ...repack), { ...constants, UNIT: unit });
}

function floatsOf(tensor: Tensor, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const { blockSize, blockBytes, dequantize } = QUANTS[tensor.type];
  const floats = new Float32Array((bytes.byteLength / blockBytes) * blockSize);
  dequantize(bytes, floats);
  return floats;
}

function requantize(tensor: Tensor, bytes: Uint8Array): Uint8Array {
  const { Q8_0 } = QUANTS;
  const floats = floatsOf(tensor, bytes);
  const packed = new Uint8Array((floats.length / Q8_0.blockSize) * Q8_0.blockBytes);
  Q8_0.quantize?.(floats, packed);
  return packed;
}

/** writeBuffer takes multiples of 4 bytes: an odd end is filled up. */
function writeBytes(device: GPUDevice, buffer: GPUBuffer, bytes: Uint8Array): void {
  const whole = bytes.byteLength & ~3;
  device.queue.writeBuffer(buffer, 0, bytes.buffer, bytes.byteOffset, whole);
  if (whole === bytes.byteLength) return;
  const rest = new Uint8Array(4);
  rest.set(bytes.subarray(whole));
  device.queue.writeBuffer(buffer, whole, rest);
}
