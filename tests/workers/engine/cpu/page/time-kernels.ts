// Kernels by themselves, one thread: GB/s of weights for one token, GMAC/s for a tile of tokens, beside plain reading.
import type { QuantName } from "../../../../../shaders/quant/index.ts";
import type { Host } from "../../../../../workers/engine/base/host.ts";
import { C_END } from "../../../../../workers/engine/cpu/assembly/words.ts";
import { compileLevel, instantiate, type LevelName, LEVELS } from "../../../../../workers/engine/cpu/kernels.ts";
import { groupBytes, layoutOf } from "../../../../../workers/engine/cpu/layouts.ts";
import { blockBytes } from "../../../../../workers/engine/cpu/buffers.ts";

export interface KernelJob {
  readonly types: readonly QuantName[];
  readonly levels: readonly LevelName[];
  readonly rows: number;
  readonly cols: number;
  readonly milliseconds: number;
}

export interface KernelTime {
  readonly level: LevelName;
  /** "read" and "dot" are what the memory and the dot product reach alone. */
  readonly type: QuantName | "read" | "dot";
  /** Best of many runs. */
  readonly gigabytesPerSecond: number;
  readonly gigamacsPerSecond: number;
}

export async function timeKernels(host: Host, { types, levels, rows, cols, milliseconds }: KernelJob): Promise<KernelTime[]> {
  const times: KernelTime[] = [];
  for (const level of levels) {
    const module = await compileLevel(host, level, false);
    if (!module) continue;
    const memory = new WebAssembly.Memory({ initial: 1700, maximum: 1700 });
    const kernels = instantiate(module, memory);
    const bytesMode = kernels.probe();
    const tokens = 64;
    const block = blockBytes(LEVELS[level].wordBytes);
    const acts = C_END;
    const actBytes = Math.max((tokens * cols * block) / 32, tokens * cols * 4);
    const out = acts + actBytes;
    const codes = out + rows * 8 + 1024;
    const weights = codes + (cols / 32) * (64 * LEVELS[level].wordBytes + 128);
    const readBytes = 2 ** 21; // short enough to end within a time slice of a busy machine
    new Uint8Array(memory.buffer, weights).fill(0x35); // untouched memory is one page of zeros, in the first cache
    let piece = 0;
    const read = best(host, milliseconds, () => {
      piece = (piece + 1) % 48;
      kernels.readAll(weights + piece * readBytes, readBytes);
    });
    times.push({ level, type: "read", gigabytesPerSecond: readBytes / read / 1e6, gigamacsPerSecond: 0 });
    const DOTS = 2 ** 16;
    const dots = best(host, milliseconds, () => void kernels.dotAll(DOTS));
    const macs = level === "plain" ? 8 : 16; // of a dot product, eight of them a turn
    times.push({ level, type: "dot", gigabytesPerSecond: 0, gigamacsPerSecond: (8 * macs * DOTS) / dots / 1e6 });
    for (const type of types) {
      const layout = layoutOf(type);
      const group = groupBytes(layout, cols);
      const groups = rows / 8;
      const copies = Math.max(1, Math.floor((96 * 2 ** 20) / (groups * group))); // beyond the caches
      let copy = 0;
      const calls = Math.ceil(2 ** 21 / (groups * group)); // clocks of browsers tick every 5 to 100 us
      const vector = best(host, milliseconds, () => {
        for (let call = 0; call < calls; call++) {
          copy = (copy + 1) % copies;
          kernels.multiplyVector(layout.id, bytesMode, weights + copy * groups * group, groups, cols, acts, out);
        }
      });
      const perTile = layout.float ? cols * 16 : 4 * (cols / 32) * block;
      const batch = best(host, milliseconds, () => {
        for (let row = 0; row < ROWS; row++) {
          const unpacked = kernels.unpackRows(layout.id, weights + row * group, cols, codes);
          for (let tile = 0; tile < tokens / 4; tile++) {
            kernels.multiplyBatch(layout.id, bytesMode, unpacked, cols, acts + tile * perTile, out);
          }
        }
      });
      times.push({
        level,
        type,
        gigabytesPerSecond: (calls * groups * group) / vector / 1e6,
        gigamacsPerSecond: (ROWS * 8 * cols * tokens) / batch / 1e6,
      });
    }
  }
  return times;
}

/** Groups of eight rows that meet 64 tokens in one sample. */
const ROWS = 16;

/** Least milliseconds of a run. */
function best(host: Host, milliseconds: number, run: () => void): number {
  const start = host.now();
  let least = Infinity;
  while (host.now() - start < milliseconds) {
    const from = host.now();
    run();
    least = Math.min(least, host.now() - from);
  }
  return least;
}
