// Puts GGUF rows where they belong: into the slots of a bank, from where all threads pack them while more rows are read.
import { QUANTS } from "../../../shaders/quant/index.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Tensor } from "../base/model.ts";
import { C_FAULT, C_SLOT_BYTES } from "./assembly/words.ts";
import type { Kernels } from "./kernels.ts";
import { groupBytes, isNative, type Layout } from "./layouts.ts";
import { requantize, WIDE_BLOCK_BYTES } from "./requantize.ts";

/** Rows that are packed together. */
export const ROW_GROUP = 8;

/** Where rows go. */
export interface PackerBank {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
}

/** Writes a norm's weights as floats at `at`. */
export function writeVector(tensor: Tensor, bytes: Uint8Array, memory: WebAssembly.Memory, at: number): void {
  QUANTS[tensor.type].dequantize(bytes, new Float32Array(memory.buffer, at, tensor.cols));
}

/** Packs rows into banks. Between the first `write` and `finish` the threads are busy with it and can't be called to anything else. */
export class Packer {
  private open: PackerBank | null = null;

  /** `call` calls all threads to the queue of a bank; `bytesMode`: how 8-bit codes are read. */
  constructor(
    private readonly banks: readonly PackerBank[],
    private readonly bytesMode: number,
    private readonly call: (bank: number) => void,
  ) {}

  /**
   * Takes whole rows, from `firstRow` on, of the matrix at `at`; they are packed some time before `finish` returns. firstRow is a
   * multiple of ROW_GROUP. Throws as `finish`.
   */
  write(tensor: Tensor, firstRow: number, bytes: Uint8Array, bank: number, at: number, layout: Layout): void {
    assert(firstRow % ROW_GROUP === 0, `Rows of ${tensor.name} start at ${firstRow}, in the middle of a group.`);
    const { memory, kernels } = this.enter(bank);
    const rowBytes = tensor.sizeBytes / tensor.rows;
    const stagedRowBytes = isNative(tensor.type) ? rowBytes : (tensor.cols / 32) * WIDE_BLOCK_BYTES;
    const slotBytes = new DataView(memory.buffer).getUint32(C_SLOT_BYTES, true);
    const step = Math.floor(slotBytes / (ROW_GROUP * stagedRowBytes)) * ROW_GROUP;
    const rows = bytes.length / rowBytes;
    const floats = isNative(tensor.type) ? null : new Float32Array(tensor.cols * Math.min(rows, step));
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const whole = Math.ceil(count / ROW_GROUP) * ROW_GROUP;
      const piece = bytes.subarray(row * rowBytes, (row + count) * rowBytes);
      const slot = new Uint8Array(memory.buffer, kernels.freeSlot(), whole * stagedRowBytes);
      if (floats) {
        const values = floats.subarray(0, count * tensor.cols);
        QUANTS[tensor.type].dequantize(piece, values);
        requantize(values, slot.subarray(0, count * stagedRowBytes));
      } else slot.set(piece);
      slot.fill(0, count * stagedRowBytes); // rows that are missing in the last group
      const group = at + ((firstRow + row) / ROW_GROUP) * groupBytes(layout, tensor.cols);
      kernels.fillSlot(layout.id, this.bytesMode, whole, tensor.cols, group);
    }
    mustFit(memory);
  }

  /** Everything written is packed. Throws `bad_file` for block scales of 128 and more, which no trained weights have. */
  finish(): void {
    const { open } = this;
    this.close();
    if (open) mustFit(open.memory);
  }

  /** Lets the threads go, once all is packed. */
  close(): void {
    this.open?.kernels.closeQueue();
    this.open = null;
  }

  private enter(number: number): PackerBank {
    const bank = this.banks[number]!;
    if (this.open !== bank) {
      this.finish();
      bank.kernels.openQueue();
      this.open = bank;
      this.call(number);
    }
    return bank;
  }
}

function mustFit({ buffer }: WebAssembly.Memory): void {
  if (new DataView(buffer).getInt32(C_FAULT, true) === 0) return;
  throw new EngineError("bad_file", "A block scale of the model is 128 or more.", "The file is damaged: download it again.");
}
