// One text, many ways to compute it: every way has to give the same bits.
import type { Host } from "../../../../workers/engine/base/host.ts";
import type { Model } from "../../../../workers/engine/base/model.ts";
import type { LevelName } from "../../../../workers/engine/cpu/kernels.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { numbers } from "./products.ts";
import { writeRandom } from "./small-model.ts";

/** Logits of the last of `length` tokens, run `step` at a time on so many threads. */
export async function lastLogits(
  host: Host,
  model: Model,
  options: { level: LevelName; threads: number; bankBytes?: number },
  length: number,
  step: number,
): Promise<Float32Array> {
  const { level, threads, bankBytes } = options;
  const backend = await openCpu(host, model, 512, { level, threads, ...(bankBytes ? { bankBytes } : {}) });
  try {
    await writeRandom(model, backend);
    await backend.ready();
    const random = numbers(5);
    const tokens = Uint32Array.from({ length }, () => random() % model.shape.vocab);
    let logits = new Float32Array(0);
    for (let at = 0; at < length; at += step) {
      const end = Math.min(length, at + step);
      logits = (await backend.forward(tokens.subarray(at, end), at, end === length ? "last" : "none")).slice();
    }
    return logits;
  } finally {
    backend.dispose();
  }
}

/** How many of two results' bits differ, in floats. */
export function differing(a: Float32Array, b: Float32Array): number {
  return a.reduce((count, value, i) => count + (Object.is(value, b[i]) ? 0 : 1), Math.abs(a.length - b.length));
}
