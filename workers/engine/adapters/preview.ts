// What an adapter is, in words and numbers for people.
import type { AdapterPreview, GateReading } from "../base/adapters.ts";
import type { AdapterContents, Frame } from "./contents.ts";

/** An adapter's description. `gate` is the reading that was asked for; null for its publisher's. */
export function previewOf(contents: AdapterContents, frame: Frame, gate: GateReading | null): AdapterPreview {
  const { kind, format } = contents;
  const known = { kind, format, rank: null, promptLength: null, gate: null };
  if (contents.kind === "lora") {
    const changes = [...contents.changes.values()];
    return {
      ...known,
      ...placesOf([...contents.changes.keys()]),
      rank: Math.max(...changes.map(({ rank }) => rank)),
      sizeBytes: 4 * changes.reduce((sum, { a, b }) => sum + a.length + b.length, 0),
    };
  }
  if (contents.kind === "tuning") {
    const names = [...contents.scales.keys(), ...contents.biases.keys(), ...contents.norms.keys()];
    return { ...known, ...placesOf(names), sizeBytes: 0 };
  }
  const prompts = [...contents.prompts.values()];
  const positions = prompts.reduce((sum, { length }) => sum + length, 0);
  return {
    ...known,
    targets: [],
    layers: contents.prompts.size,
    promptLength: Math.max(...prompts.map(({ length }) => length)),
    gate: gate ?? contents.gate,
    sizeBytes: 4 * 2 * positions * frame.kvHeads * frame.headDim,
  };
}

/** Parts of a layer, and how many layers, in tensor names. */
function placesOf(names: readonly string[]): { targets: string[]; layers: number } {
  const layers = names.flatMap((name) => /^blk\.(\d+)\./.exec(name)?.[1] ?? []);
  const targets = names.map((name) => name.replace(/^blk\.\d+\./, "").replace(/\.weight$/, ""));
  return { targets: [...new Set(targets)], layers: new Set(layers).size };
}
