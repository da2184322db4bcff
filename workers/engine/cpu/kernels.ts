// A kernel file as the engine sees it: its exports, its levels, and how it is instantiated on a memory.
import type { Host } from "../base/host.ts";
import { PLAIN, RELAXED16, RELAXED32 } from "./assembly/words.ts";

/** Instruction levels, best guess first. `wordBytes`: bytes of four activations. */
export const LEVELS = {
  relaxed32: { id: RELAXED32, wordBytes: 4, text: "relaxed SIMD, 8-bit dot product in 32 bits" },
  relaxed16: { id: RELAXED16, wordBytes: 4, text: "relaxed SIMD, 8-bit dot product in 16 bits" },
  plain: { id: PLAIN, wordBytes: 8, text: "plain SIMD, 16-bit dot product" },
} as const;

export type LevelName = keyof typeof LEVELS;

/** Exports of a kernel file; addresses and sizes in bytes. See assembly/kernels.ts. */
export interface Kernels {
  call(bank: number, active: number): void;
  execute(thread: number): void;
  serve(thread: number): void;
  repack(layout: number, mode: number, from: number, rows: number, cols: number, to: number): void;
  openQueue(): void;
  freeSlot(): number;
  fillSlot(layout: number, mode: number, rows: number, cols: number, to: number): void;
  closeQueue(): void;
  groupBytes(layout: number, cols: number): number;
  multiplyVector(layout: number, mode: number, weights: number, groups: number, cols: number, acts: number, out: number): void;
  unpackedBytes(layout: number, cols: number): number;
  unpackRows(layout: number, weights: number, cols: number, to: number): number;
  multiplyBatch(layout: number, mode: number, rows: number, cols: number, acts: number, out: number): void;
  quantizeBlock(from: number, out: number, lane: number, lanes: number): void;
  readRow(layout: number, mode: number, group: number, row: number, cols: number, out: number): void;
  probe(): number;
  readAll(at: number, bytes: number): number;
  dotAll(times: number): number;
}

/** The name of a level's file. */
export function kernelFileName(level: LevelName, shared: boolean): string {
  return `${level}.${shared ? "shared" : "single"}.wasm`;
}

/** Compiles a level; null where this machine does not know its instructions. */
export async function compileLevel(host: Host, level: LevelName, shared: boolean): Promise<WebAssembly.Module | null> {
  const bytes = await host.kernelFile(kernelFileName(level, shared));
  return WebAssembly.validate(bytes) ? WebAssembly.compile(bytes) : null;
}

/** A kernel file on a memory. `enterBank` runs another bank's ops; only the first bank's instance calls it. */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  enterBank: (bank: number) => void = () => undefined,
): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, enterBank } });
  return exports as unknown as Kernels; // our own build: assembly/kernels.ts
}
