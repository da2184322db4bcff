// Kernels against a reference in plain TypeScript: packed weights of every type times quantized activations.
// Runs in Node (plain SIMD) and, from page/, in browsers (every level).
import { QUANTS, type QuantName } from "../../../../shaders/quant/index.ts";
import type { Tensor } from "../../../../workers/engine/base/model.ts";
import { C_END, C_SLOT_BYTES, C_SLOTS, SLOTS } from "../../../../workers/engine/cpu/assembly/words.ts";
import { type Kernels, type LevelName, LEVELS } from "../../../../workers/engine/cpu/kernels.ts";
import { groupBytes, layoutOf, matrixBytes } from "../../../../workers/engine/cpu/layouts.ts";
import { blockBytes } from "../../../../workers/engine/cpu/buffers.ts";
import { Packer } from "../../../../workers/engine/cpu/weights.ts";

/** Where a type keeps its f16 scales, so that random blocks get sane ones. The rest of a block may be anything. */
const HALVES: Partial<Record<QuantName, readonly number[]>> = {
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q8_0: [0],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  Q3_K: [108],
  Q2_K: [80, 82],
  IQ4_NL: [0],
  IQ4_XS: [0],
  IQ3_S: [0],
  IQ2_XXS: [0],
};

/** Types the kernels are checked with: all that have a layout of their own, and some that are requantized. */
export const CHECKED_TYPES: readonly QuantName[] = [...(Object.keys(HALVES) as QuantName[]), "F32", "F16", "BF16"];

/** Numbers from 0 to 2^32 - 1, the same every time. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
}

/** A matrix of a type, with random codes and scales around 0.01. */
export function randomMatrix(type: QuantName, rows: number, cols: number, seed: number): Uint8Array {
  const { blockSize, blockBytes: size } = QUANTS[type];
  const random = numbers(seed);
  const bytes = new Uint8Array((rows * cols * size) / blockSize);
  const view = new DataView(bytes.buffer);
  if (HALVES[type] === undefined) {
    for (let i = 0; i < rows * cols; i++) {
      const value = (random() / 2 ** 32 - 0.5) * 0.1;
      if (type === "F32") view.setFloat32(4 * i, value, true);
      else view.setUint16(2 * i, (random() & 0x83ff) | (type === "F16" ? 0x2000 : 0x3c00), true);
    }
    return bytes;
  }
  for (let i = 0; i < bytes.length; i++) bytes[i] = random() & 255;
  for (let block = 0; block < bytes.length; block += size) {
    // 2^-9 to 2^-5, some negative; and now and then an f16 denormal.
    for (const at of HALVES[type]) view.setUint16(block + at, random() % 50 === 0 ? 0x0155 : (random() & 0x83ff) | 0x1c00, true);
  }
  return bytes;
}

/** The largest error of a check, over the sum of magnitudes of the product it was found in. */
export interface Checked {
  readonly type: QuantName;
  readonly rows: number;
  readonly cols: number;
  /** One token. */
  readonly vector: number;
  /** A tile of four tokens. */
  readonly batch: number;
  /** Whether a tile gives the bits that its tokens give one by one. */
  readonly sameBits: boolean;
  /** Whether rows are read back exactly. */
  readonly exactRows: boolean;
}

export interface Machine {
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  readonly level: LevelName;
  readonly bytesMode: number;
}

/** Packs a random matrix, multiplies it with four random tokens both ways, and compares. */
export function checkProduct(
  { kernels, memory, level, bytesMode }: Machine,
  type: QuantName,
  rows: number,
  cols: number,
): Checked {
  const { blockSize, blockBytes: size } = QUANTS[type];
  const layout = layoutOf(type);
  const bytes = randomMatrix(type, rows, cols, rows * 7919 + cols);
  const tensor: Tensor = { name: type, type, rows, cols, offset: 0, sizeBytes: (rows * cols * size) / blockSize };
  const weights = C_END;
  const slots = weights + Math.ceil(matrixBytes(layout, rows, cols) / 64) * 64;
  const slotBytes = 8 * cols * 4;
  new DataView(memory.buffer).setUint32(C_SLOTS, slots, true);
  new DataView(memory.buffer).setUint32(C_SLOT_BYTES, slotBytes, true);
  const packer = new Packer([{ memory, kernels }], bytesMode, () => undefined);
  packer.write(tensor, 0, bytes, 0, weights, layout);
  packer.finish();
  const exact = new Float32Array(rows * cols);
  QUANTS[type].dequantize(bytes, exact);

  const block = blockBytes(LEVELS[level].wordBytes);
  const floats = slots + SLOTS * slotBytes;
  const one = floats + 128;
  const tile = one + 4 * Math.ceil(cols / 32) * block + cols * 16;
  const codes = tile + 4 * Math.ceil(cols / 32) * block + cols * 16;
  const out = codes + Math.ceil(kernels.unpackedBytes(layout.id, cols) / 16) * 16;
  const random = numbers(cols);
  const tokens = Array.from({ length: 4 }, () => Float32Array.from({ length: cols }, () => (random() / 2 ** 32 - 0.5) * 2));
  for (const [lane, token] of tokens.entries()) {
    if (layout.float) {
      new Float32Array(memory.buffer, one + lane * cols * 4, cols).set(token);
      const lanes = new Float32Array(memory.buffer, tile, cols * 4);
      for (let k = 0; k < cols; k++) lanes[4 * k + lane] = token[k]!;
      continue;
    }
    for (let b = 0; b < cols / 32; b++) {
      new Float32Array(memory.buffer, floats, 32).set(token.subarray(32 * b, 32 * b + 32));
      kernels.quantizeBlock(floats, one + (lane * (cols / 32) + b) * block, 0, 1);
      kernels.quantizeBlock(floats, tile + 4 * b * block, lane, 4);
    }
    roundTo8Bits(token);
  }

  const group = groupBytes(layout, cols);
  const groups = Math.ceil(rows / 8);
  let sameBits = true;
  let vector = 0;
  let batch = 0;
  for (const [lane, token] of tokens.entries()) {
    const acts = one + lane * (layout.float ? cols * 4 : (cols / 32) * block);
    kernels.multiplyVector(layout.id, bytesMode, weights, groups, cols, acts, out);
    const single = new Float32Array(memory.buffer, out, groups * 8).slice();
    for (let g = 0; g < groups; g++) {
      const unpacked = kernels.unpackRows(layout.id, weights + g * group, cols, codes);
      kernels.multiplyBatch(layout.id, bytesMode, unpacked, cols, tile, out);
      const four = new Float32Array(memory.buffer, out, 3 * 32 + 8);
      for (let r = 0; r < 8 && 8 * g + r < rows; r++) {
        const row = 8 * g + r;
        const [right, magnitude] = dotProduct(exact, row * cols, token);
        vector = Math.max(vector, Math.abs(single[row]! - right) / magnitude);
        batch = Math.max(batch, Math.abs(four[32 * lane + r]! - right) / magnitude);
        sameBits &&= Object.is(single[row], four[32 * lane + r]);
      }
    }
  }
  let exactRows = true;
  for (let row = 0; row < rows; row++) {
    kernels.readRow(layout.id, bytesMode, weights + Math.floor(row / 8) * group, row % 8, cols, out);
    const read = new Float32Array(memory.buffer, out, cols);
    for (let k = 0; k < cols; k++) exactRows &&= read[k] === exact[row * cols + k];
  }
  return { type, rows, cols, vector, batch, sameBits, exactRows };
}

/** What quantizeBlock keeps of a token: whole multiples of amax / 127 for every 32 columns, in 32-bit arithmetic as there. */
function roundTo8Bits(token: Float32Array): void {
  for (let b = 0; b < token.length; b += 32) {
    const block = token.subarray(b, b + 32);
    const most = Math.max(...block.map(Math.abs));
    const inverse = Math.fround(127 / most);
    const scale = Math.fround(most / 127);
    for (let k = 0; k < 32; k++) block[k] = roundEven(Math.fround(block[k]! * inverse)) * scale;
  }
}

function roundEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

function dotProduct(weights: Float32Array, at: number, x: Float32Array): [number, number] {
  let sum = 0;
  let magnitude = 1e-30;
  for (let k = 0; k < x.length; k++) {
    const product = weights[at + k]! * x[k]!;
    sum += product;
    magnitude += Math.abs(product);
  }
  return [sum, magnitude];
}

/** A memory with the kernels of a level on it; null where the level is unknown or wrong here. */
export function machine(
  module: WebAssembly.Module,
  level: LevelName,
  instantiate: (module: WebAssembly.Module, memory: WebAssembly.Memory) => Kernels,
): Machine | null {
  const memory = new WebAssembly.Memory({ initial: 512, maximum: 512 });
  const kernels = instantiate(module, memory);
  const bytesMode = kernels.probe();
  return bytesMode < 0 ? null : { kernels, memory, level, bytesMode };
}
