// Checks GPU kernels with the browser's own WebGPU: window.check() compares every tier it offers with arithmetic done here.
import { QUANTS } from "../../../shaders/quant/index.ts";
import type { Host } from "../../../workers/engine/base/host.ts";
import { openDevice } from "../../../workers/engine/gpu/device.ts";
import type { Tuning } from "../../../workers/engine/gpu/lanes.ts";
import { selfTest } from "../../../workers/engine/gpu/selftest.ts";
import { missing, TIERS } from "../../../workers/engine/gpu/tiers.ts";
import { LAYOUT_NAMES, productError } from "../product.ts";

/** What was found; null where the browser has no adapter. */
export interface GpuChecks {
  readonly adapter: string;
  readonly checks: readonly { readonly what: string; readonly error: number; readonly tolerance: number }[];
}

declare global {
  var check: () => Promise<GpuChecks | null>;
}

const DIVISIONS: readonly Omit<Tuning, "milliseconds">[] = [
  { lanes: { 64: { threads: 64, lanes: 1 } }, many: "few" },
  { lanes: { 64: { threads: 64, lanes: 8 } }, many: "tiles" },
];

globalThis.check = async () => {
  if (!(await navigator.gpu?.requestAdapter())) return null;
  const host = { gpu: navigator.gpu } satisfies Partial<Host>;
  const gpu = await openDevice(host as Host); // it asks for nothing else
  const checks: { what: string; error: number; tolerance: number }[] = [];
  const offered = TIERS.filter((tier) => !missing(tier, gpu.features, gpu.language));
  for (const tier of offered) {
    for (const division of DIVISIONS) {
      const error = await selfTest(gpu, tier, { ...division, milliseconds: 0 }, () => performance.now());
      checks.push({ what: `${tier.name}, ${JSON.stringify(division)}`, error, tolerance: tier.tolerance });
    }
  }
  const lowest = offered.at(-1)!;
  for (const type of LAYOUT_NAMES) {
    const cols = Math.max(32, QUANTS[type].blockSize);
    const error = await productError(gpu, lowest, { type, rows: 33, cols, tokens: 1, kernel: "one", lanes: 8 });
    checks.push({ what: `${lowest.name}, a matrix in ${type}`, error, tolerance: 2e-5 });
  }
  gpu.check();
  const adapter = gpu.adapterName;
  gpu.destroy();
  return { adapter, checks };
};
