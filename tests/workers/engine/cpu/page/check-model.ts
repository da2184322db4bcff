// A small model on every level, with different numbers of threads and tokens at a time: same bits at one level.
import type { Host } from "../../../../../workers/engine/base/host.ts";
import { compileLevel, type LevelName, LEVELS } from "../../../../../workers/engine/cpu/kernels.ts";
import { EngineError } from "../../../../../workers/engine/base/errors.ts";
import { differing, lastLogits } from "../same-bits.ts";
import { MIXED, smallModel, TINY } from "../small-model.ts";

export interface ModelChecks {
  readonly level: LevelName;
  /** Floats that differ from one thread, one token at a time; by way. */
  readonly differing: Record<string, number>;
  /** Relative distance from the plain level's logits. */
  readonly fromPlain: number;
}

export async function checkModel(host: Host): Promise<ModelChecks[]> {
  // All experts: where few are chosen, a level's rounding may choose others.
  const model = smallModel(TINY, MIXED, true, { biased: true, window: 70, experts: { count: 3, used: 3 } });
  const plain = await lastLogits(host, model, { level: "plain", threads: 1 }, 150, 128);
  const checks: ModelChecks[] = [];
  for (const level of Object.keys(LEVELS) as LevelName[]) {
    if (!(await compileLevel(host, level, false))) continue;
    try {
      const base = await lastLogits(host, model, { level, threads: 1 }, 150, 1);
      const ways: Record<string, number> = {};
      for (const [threads, step] of [
        [1, 128],
        [2, 1],
        [2, 7],
        [2, 128],
        [3, 64],
      ] as const) {
        if (threads > 1 && !host.isolated) continue;
        ways[`${threads} threads, ${step} at a time`] = differing(
          base,
          await lastLogits(host, model, { level, threads }, 150, step),
        );
      }
      const off = Math.hypot(...base.map((value, i) => value - plain[i]!)) / Math.hypot(...plain);
      checks.push({ level, differing: ways, fromPlain: off });
    } catch (error) {
      if (!(error instanceof EngineError && error.code === "no_wasm_simd")) throw error; // wrong here: refused
    }
  }
  return checks;
}
