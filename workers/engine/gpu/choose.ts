// Chooses the tier: the highest the device offers that passes the self-test, and of the upper two the faster one. Remembered per adapter.
import type { CacheType } from "../base/backend.ts";
import { EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import type { Model } from "../base/model.ts";
import type { Choice, Chooser } from "./backend.ts";
import type { Gpu } from "./device.ts";
import type { Tuning } from "./lanes.ts";
import { selfTest } from "./selftest.ts";
import type { Tier, TierName } from "./tiers.ts";
import { missing, TIERS } from "./tiers.ts";

/** Changes whenever kernels do, so that old measurements are not believed. */
const VERSION = 2;
/** Integers lose some accuracy, so they must be worth it. */
const WORTH = 0.9;

/** What a cache of bytes may add to the error of a tier. */
const BYTES_TOLERANCE = 0.02;

interface Remembered {
  readonly tier: TierName;
  readonly tuning: Tuning;
  readonly reason: string;
}

/** What is asked for: a tier runs untested, a tuning unmeasured. */
interface Forced {
  readonly tier?: TierName;
  readonly tuning?: Tuning;
  readonly cache?: CacheType;
}

/** A chooser for one model on one device. */
export function chooser(host: Host, gpu: Gpu, model: Model, forced: Forced): Chooser {
  const { dim, ffnDim } = model.shape;
  const key = `gpu ${VERSION} ${gpu.adapterName} ${dim} ${ffnDim} ${forced.cache ?? "f16"}`;
  const tier = TIERS.find(({ name }) => name === forced.tier);
  return {
    async recall() {
      const known = tier ? null : await host.recall(key);
      if (!isRemembered(known)) return null;
      const same = TIERS.find(({ name }) => name === known.tier);
      return same && !missing(same, gpu.features, gpu.language) ? { ...known, tier: same } : null;
    },
    async choose(measure) {
      if (tier) return { tier, tuning: forced.tuning ?? (await measure(tier)), reason: `${sentence(tier.uses)}, as asked for.` };
      const choice = await choose(gpu, measure, () => host.now(), forced.cache ?? "f16");
      await host.remember(key, { ...choice, tier: choice.tier.name } satisfies Remembered);
      return choice;
    },
  };
}

async function choose(gpu: Gpu, measure: (tier: Tier) => Promise<Tuning>, now: () => number, cache: CacheType): Promise<Choice> {
  const notes: string[] = [];
  let passed: Choice | null = null;
  for (const tier of TIERS) {
    const lacking = missing(tier, gpu.features, gpu.language);
    if (lacking) {
      notes[0] = `${tier.name} needs ${lacking}`; // of the tiers above, the nearest says enough
      continue;
    }
    const tuning = await measure(tier);
    if (passed && passed.tuning.milliseconds < WORTH * tuning.milliseconds)
      return { ...passed, reason: reasonOf(passed.tier, notes) };
    if (passed) notes.push(`${passed.tier.name} is not faster here`);
    const error = await selfTest(gpu, tier, tuning, now, cache);
    if (error > tier.tolerance + (cache === "int8" ? BYTES_TOLERANCE : 0)) {
      notes.push(`${tier.name} computes wrong numbers here (off by ${(100 * error).toFixed(1)} %)`);
      passed = null;
      continue;
    }
    passed = { tier, tuning, reason: "" };
    if (!tier.integers) return { ...passed, reason: reasonOf(tier, notes) };
  }
  if (passed) return { ...passed, reason: reasonOf(passed.tier, notes) };
  throw new EngineError("no_gpu", `This GPU cannot be used: ${notes.join("; ")}.`, "Choose the WASM backend.");
}

function reasonOf(tier: Tier, notes: readonly string[]): string {
  const uses = sentence(tier.uses);
  return notes.length > 0 ? `${uses}; ${notes.join("; ")}.` : `${uses}.`;
}

function sentence(words: string): string {
  return words[0]!.toUpperCase() + words.slice(1);
}

function isRemembered(fact: unknown): fact is Remembered {
  return typeof fact === "object" && fact !== null && "tier" in fact && "tuning" in fact && "reason" in fact;
}
