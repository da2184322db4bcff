// What the test asks of the page, and what comes back.
import type { BackendInfo } from "../../../workers/engine/base/backend.ts";
import type { LevelName } from "../../../workers/engine/cpu/kernels.ts";
import type { Distance } from "../distance.ts";

export interface Job {
  /** Instruction level; null for the one the engine chooses. */
  readonly level: LevelName | null;
  readonly threads: number;
  readonly sizeBytes: number;
  readonly vocab: number;
  readonly ids: readonly number[];
}

/** Null where the browser lacks the level, or computes it wrongly. */
export type Answer = { readonly found: (Distance & { readonly info: BackendInfo }) | null } | { readonly error: string };
