// A tensor as a checkpoint stores it: a strided view of floats in a region of a file, read by rows.
// Source: PyTorch torch/_utils.py, _rebuild_tensor_v2 (storage, offset, size, stride).
import { QUANTS } from "../../../../shaders/quant/index.ts";
import { damaged } from "./errors.ts";
import type { Region } from "./region.ts";

/** The types of weights that checkpoints are published in. */
export type FloatType = "F32" | "F16" | "BF16";

/** A tensor in a file. Rows are runs along the last extent; a vector is one row. */
export interface StoredTensor {
  readonly type: FloatType;
  /** Slowest first, as PyTorch and NumPy say them; empty for a scalar. */
  readonly extents: readonly number[];
  /** Product of all extents but the last. */
  readonly rows: number;
  /** The last extent. */
  readonly cols: number;
  /** Rows [first, first + count) as floats [count, cols], exactly. Throws what the source throws. */
  read(first: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

/** Where in a region a tensor lies, in elements. */
export interface View {
  readonly type: FloatType;
  readonly extents: readonly number[];
  readonly offset: number;
  /** Elements from one index to the next, for each extent. */
  readonly strides: readonly number[];
}

/** The last whole matrix that had to be read at once, because its rows lie across it: one a file, so that memory holds one. */
export class Desk<Values extends Uint8Array | Float32Array = Uint8Array> {
  private held: { readonly key: string; readonly values: Values } | null = null;

  /** What is under a key, from here or from `read`; what lay here before is let go of first. */
  async take(key: string, read: () => Promise<Values>): Promise<Values> {
    if (this.held?.key === key) return this.held.values;
    this.held = null;
    const values = await read();
    this.held = { key, values };
    return values;
  }
}

/** Bytes of a weight. */
export function floatBytes(type: FloatType): number {
  return QUANTS[type].blockBytes;
}

/** A dense, row-major tensor that fills a region from its start. Throws `bad_file` where the region is too short. */
export function denseTensor(name: string, region: Region, type: FloatType, extents: readonly number[]): StoredTensor {
  return viewTensor(name, region, { type, extents, offset: 0, strides: denseStrides(extents) }, new Desk());
}

/**
 * A view of a region. Throws `bad_file` where it reaches outside, repeats elements (a small file would stand for any amount of
 * memory), or is neither dense nor a matrix.
 */
export function viewTensor(name: string, region: Region, view: View, desk: Desk): StoredTensor {
  const { type, extents, offset, strides } = view;
  const size = floatBytes(type);
  const elements = Math.floor(region.sizeBytes / size);
  const count = extents.reduce((product, extent) => product * extent, 1);
  if (extents.length !== strides.length || ![...extents, ...strides, offset].every(isCount)) {
    throw damaged(region.file, `tensor ${name} has the extents ${extents.join(" x ")} and strides ${strides.join(", ")}`);
  }
  const last = offset + extents.reduce((sum, extent, i) => sum + (extent - 1) * strides[i]!, 0);
  if (count < 1 || count > elements || last >= elements) {
    throw damaged(region.file, `tensor ${name} of ${extents.join(" x ")} reaches outside its ${elements} elements`);
  }
  const cols = extents.at(-1) ?? 1;
  const rows = count / cols;
  const tensor = { type, extents, rows, cols };
  const dense = denseStrides(extents);
  if (extents.every((extent, i) => extent === 1 || strides[i] === dense[i])) {
    return { ...tensor, read: (first, n, signal) => readDense(region, type, offset + first * cols, n * cols, signal) };
  }
  if (extents.length > 2) throw damaged(region.file, `tensor ${name} of ${extents.join(" x ")} is not dense`);
  const [rowStride, colStride] = extents.length === 2 ? [strides[0]!, strides[1]!] : [0, strides[0]!];
  return {
    ...tensor,
    read: (first, n, signal) => readStrided(region, { name, ...tensor, offset, rowStride, colStride }, first, n, desk, signal),
  };
}

async function readDense(
  region: Region,
  type: FloatType,
  first: number,
  count: number,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const size = floatBytes(type);
  const bytes = await region.read(first * size, count * size, signal);
  const floats = new Float32Array(count);
  QUANTS[type].dequantize(bytes, floats);
  return floats;
}

interface Matrix {
  readonly name: string;
  readonly type: FloatType;
  readonly rows: number;
  readonly cols: number;
  readonly offset: number;
  readonly rowStride: number;
  readonly colStride: number;
}

/** Rows that lie apart are read one span at a time; rows that lie across the tensor need all of it, which stays on the desk. */
async function readStrided(
  region: Region,
  { name, type, rows, cols, offset, rowStride, colStride }: Matrix,
  first: number,
  count: number,
  desk: Desk,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const size = floatBytes(type);
  const across = colStride > rowStride && rows > 1;
  const from = across ? offset : offset + first * rowStride;
  const span = ((across ? rows : count) - 1) * rowStride + (cols - 1) * colStride + 1;
  const read = (): Promise<Uint8Array> => region.read(from * size, span * size, signal);
  const bytes = across ? await desk.take(name, read) : await read();
  const skipped = across ? first * rowStride : 0;
  const packed = new Uint8Array(count * cols * size);
  for (let row = 0; row < count; row++) {
    for (let col = 0; col < cols; col++) {
      const at = (skipped + row * rowStride + col * colStride) * size;
      const to = (row * cols + col) * size;
      for (let i = 0; i < size; i++) packed[to + i] = bytes[at + i]!;
    }
  }
  const floats = new Float32Array(count * cols);
  QUANTS[type].dequantize(packed, floats);
  return floats;
}

function denseStrides(extents: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const extent of [...extents].reverse()) {
    strides.unshift(stride);
    stride *= extent;
  }
  return strides;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
