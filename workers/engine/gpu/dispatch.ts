// What a plan is made of: a program, its buffers and its grid, all fixed before the first token.
import type { Shape } from "../base/model.ts";
import type { AdapterRoom, Held } from "./adapters.ts";
import type { Memory } from "./memory.ts";
import type { Program, Programs } from "./program.ts";
import type { Tier } from "./tiers.ts";
import type { Tuning } from "./lanes.ts";
import type { Weights } from "./weights.ts";

/** Workgroups along one axis: a number, one (or `times` as many) for so many tokens, or one for each run of positions. */
export type Extent = number | "splits" | { readonly tokens: number; readonly times?: number };

export interface Dispatch {
  readonly program: Program;
  readonly buffers: Readonly<Record<string, GPUBuffer>>;
  readonly grid: readonly [Extent, Extent, Extent];
  /** True where attention with one split only needs no such step: it has written the result itself. */
  readonly merges: boolean;
  /** Of attention: how many positions a token sees at most; all where this is not given. */
  readonly window?: number | undefined;
}

/** How many tokens a plan runs: one, up to 8 that share each weight as it is unpacked, or up to a chunk in tiles. */
export type Rows = "one" | "few" | "many";

/** What dispatches are built from. */
export interface Parts {
  readonly shape: Shape;
  readonly ropeDims: number;
  readonly memory: Memory;
  readonly weights: Weights;
  readonly programs: Programs;
  readonly tuning: Tuning;
  readonly tier: Tier;
  /** Smallest subgroup the device has. */
  readonly subgroupSize: number;
  /** Adapters in use, and where they leave what they change. */
  readonly adapters: readonly Held[];
  readonly adapterRoom: AdapterRoom | null;
}

/** The buffers every kernel knows by the same name. */
export function buffersOf(memory: Memory): Record<string, GPUBuffer> {
  const { q: queries, partials, attended, turns, state, ids, history } = memory;
  const { picked, sampling, logits, hidden, scaled, squares, codes, routes } = memory;
  return {
    queries,
    partials,
    attended,
    turns,
    state,
    ids,
    history,
    picked,
    sampling,
    logits,
    hidden,
    scaled,
    squares,
    codes,
    routes,
  };
}
