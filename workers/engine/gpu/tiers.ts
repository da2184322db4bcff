// What a device is asked to do beyond plain WGSL, in four tiers; each includes those below it.
import type { TileName } from "../../../shaders/index.ts";

export type TierName = "T0" | "T1" | "T2" | "T3";

export interface Tier {
  readonly name: TierName;
  /** For people: what the tier uses. */
  readonly uses: string;
  readonly features: readonly GPUFeatureName[];
  /** WGSL language features. */
  readonly language: readonly string[];
  /** Precision of tiles in shared memory. */
  readonly tile: TileName;
  /** Threads exchange values by shuffles. */
  readonly shuffles: boolean;
  /** Activations become 8-bit integers, and products are of four at a time. */
  readonly integers: boolean;
  /** Largest error the self-test forgives, relative to the logits. Half-precision keys and values alone make 0.0005. */
  readonly tolerance: number;
}

const T0: Tier = {
  name: "T0",
  uses: "32-bit floats and shared memory",
  features: [],
  language: [],
  tile: "f32",
  shuffles: false,
  integers: false,
  tolerance: 0.004,
};
const T1: Tier = { ...T0, name: "T1", uses: "16-bit floats", features: ["shader-f16"], tile: "f16" };
const T2: Tier = {
  ...T1,
  name: "T2",
  uses: "16-bit floats and subgroups",
  features: ["shader-f16", "subgroups"],
  shuffles: true,
};
const T3: Tier = {
  ...T2,
  name: "T3",
  uses: "16-bit floats, subgroups and packed 8-bit products",
  language: ["packed_4x8_integer_dot_product"],
  integers: true,
  tolerance: 0.03,
};

/** Best first. */
export const TIERS: readonly Tier[] = [T3, T2, T1, T0];

/** What keeps a device from a tier; null where nothing does. */
export function missing(tier: Tier, features: ReadonlySet<string>, language: ReadonlySet<string>): string | null {
  const feature = tier.features.find((name) => !features.has(name)) ?? tier.language.find((name) => !language.has(name));
  return feature ?? null;
}
