// Chooses the instruction level: whatever this machine computes right, and of those the fastest.
import { EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import { C_END, L_Q4_0, L_Q8_0 } from "./assembly/words.ts";
import { compileLevel, instantiate, type Kernels, type LevelName, LEVELS } from "./kernels.ts";
import { groupBytes, layoutOf } from "./layouts.ts";
import { blockBytes } from "./buffers.ts";

/** A level that passed its test. */
export interface ChosenLevel {
  readonly name: LevelName;
  readonly module: WebAssembly.Module;
  /** How 8-bit codes are read: BYTES_* of words.ts. */
  readonly bytesMode: number;
  /** Why this level, for people. */
  readonly reason: string;
}

/** Rows and columns of the product that is timed: 0.6 MB at 4 bits, which rests in a second-level cache. */
const ROWS = 512;
const COLS = 2048;
/** Timing ends when a round was within this factor of the best before it, or after so many milliseconds. */
const SETTLED = 1.05;
const PATIENCE_MS = 60;

/**
 * Tests every level on this machine and times those that are right. The choice is remembered for this kind of machine.
 * Throws `no_wasm_simd` where not even plain SIMD works.
 */
export async function chooseLevel(host: Host, shared: boolean, wanted: LevelName | null): Promise<ChosenLevel> {
  const key = `cpu.level.1.${host.cores}.${shared ? "shared" : "single"}`;
  const remembered = wanted ?? (await host.recall(key));
  if (isLevel(remembered)) {
    const tested = await testLevel(host, remembered, shared);
    if (tested) return { ...tested, reason: wanted ? "As asked for." : "Fastest when this browser was first measured." };
    if (wanted) throw noSimd(`The level ${wanted} gives wrong numbers or does not exist here.`);
  }
  const wrong: string[] = [];
  const timed: { tested: Tested; milliseconds: number }[] = [];
  const names = Object.keys(LEVELS).filter(isLevel);
  // All are fetched and compiled at once; a timing has the thread for itself.
  for (const [i, tested] of (await Promise.all(names.map((name) => testLevel(host, name, shared)))).entries()) {
    const name = names[i]!;
    if (tested) timed.push({ tested, milliseconds: timeLevel(host, tested) });
    else wrong.push(name);
  }
  timed.sort((a, b) => a.milliseconds - b.milliseconds);
  const best = timed[0];
  if (!best) throw noSimd("This browser cannot run WebAssembly SIMD.");
  await host.remember(key, best.tested.name);
  const times = timed.map(({ tested, milliseconds }) => `${tested.name} ${(milliseconds * 1000).toFixed(0)} µs`).join(", ");
  return { ...best.tested, reason: `Timed ${times}.${wrong.length > 0 ? ` Not usable here: ${wrong.join(", ")}.` : ""}` };
}

interface Tested {
  readonly name: LevelName;
  readonly module: WebAssembly.Module;
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  readonly bytesMode: number;
}

/** Compiles and probes a level; null where it is unknown or wrong here. */
async function testLevel(host: Host, name: LevelName, shared: boolean): Promise<Tested | null> {
  const module = await compileLevel(host, name, shared);
  if (!module) return null;
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared });
  const kernels = instantiate(module, memory);
  const bytesMode = kernels.probe();
  return bytesMode < 0 ? null : { name, module, kernels, memory, bytesMode };
}

/** Milliseconds of a product at 4 bits and one at 8 bits, once the compiler is done with them. */
function timeLevel(host: Host, { name, kernels, bytesMode }: Tested): number {
  const acts = C_END;
  const out = acts + (COLS / 32) * blockBytes(LEVELS[name].wordBytes);
  const weights = out + ROWS * 4;
  const groups4 = ROWS / 8;
  const groups8 = Math.floor((groups4 * groupBytes(layoutOf("Q4_0"), COLS)) / groupBytes(layoutOf("Q8_0"), COLS));
  const start = host.now();
  let best = Infinity;
  for (let round = 0; host.now() - start < PATIENCE_MS; round++) {
    const from = host.now();
    for (let i = 0; i < 4; i++) {
      kernels.multiplyVector(L_Q4_0, bytesMode, weights, groups4, COLS, acts, out);
      kernels.multiplyVector(L_Q8_0, bytesMode, weights, groups8, COLS, acts, out);
    }
    const milliseconds = (host.now() - from) / 4;
    if (round > 12 && milliseconds > best / SETTLED && milliseconds < best * SETTLED) return Math.min(best, milliseconds);
    best = Math.min(best, milliseconds);
  }
  return best;
}

function isLevel(value: unknown): value is LevelName {
  return typeof value === "string" && value in LEVELS;
}

function noSimd(message: string): EngineError {
  return new EngineError("no_wasm_simd", message, "Update the browser: every current one has WebAssembly SIMD.");
}
