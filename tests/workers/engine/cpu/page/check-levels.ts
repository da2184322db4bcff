// Every level this browser has, every type, against the reference.
import type { Host } from "../../../../../workers/engine/base/host.ts";
import { chooseLevel } from "../../../../../workers/engine/cpu/levels.ts";
import { compileLevel, instantiate, type LevelName, LEVELS } from "../../../../../workers/engine/cpu/kernels.ts";
import { CHECKED_TYPES, type Checked, checkProduct, machine } from "../products.ts";

export interface LevelChecks {
  /** Why the engine would choose what. */
  readonly chosen: string;
  readonly reason: string;
  /** By level; null where the browser lacks it or its self-test failed. */
  readonly levels: Partial<Record<LevelName, { bytesMode: number; checks: Checked[] } | null>>;
}

export async function checkLevels(host: Host): Promise<LevelChecks> {
  const levels: LevelChecks["levels"] = {};
  for (const level of Object.keys(LEVELS) as LevelName[]) {
    const module = await compileLevel(host, level, false);
    const able = module && machine(module, level, instantiate);
    if (!able) {
      levels[level] = null;
      continue;
    }
    // Bytes read as two nibbles are right everywhere, so that way is checked as well.
    const modes = able.bytesMode === 0 ? [0] : [able.bytesMode, 0];
    const checks = modes.flatMap((bytesMode) =>
      CHECKED_TYPES.flatMap((type) =>
        [
          [8, 256],
          [13, 768],
          [16, 5632],
        ].map(([rows, cols]) => checkProduct({ ...able, bytesMode }, type, rows!, cols!)),
      ),
    );
    levels[level] = { bytesMode: able.bytesMode, checks };
  }
  const { name, reason } = await chooseLevel(host, host.isolated, null);
  return { chosen: name, reason, levels };
}
