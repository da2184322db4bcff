// The golden adapters and their model, for the tests of this folder.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { utf8, type Bytes } from "../../../golden/publish/bytes.ts";
import { memorySource } from "../../../golden/sources.ts";

/** The numbers of stories260K. */
export const FRAME = { layers: 5, dim: 64, ffnDim: 172, heads: 8, kvHeads: 4, headDim: 8 };
/** adapter_config.json of a LoRA with r 8 and alpha 16. */
export const CONFIG = { peft_type: "LORA", r: 8, lora_alpha: 16, bias: "none", target_modules: ["q_proj"] };

/** Golden files, in memory. */
export function golden(...paths: readonly string[]): ByteSource[] {
  return paths.map((path) => named(basename(path), Uint8Array.from(readFileSync(join(GOLDEN!, path)))));
}

export function named(name: string, bytes: Bytes): ByteSource {
  return memorySource(bytes, undefined, name);
}

export function json(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}

/** Logits [16, 512] as the reference computed them. */
export function goldenLogits(name: string): Float32Array {
  const bytes = readFileSync(join(GOLDEN!, `stories260K.${name}.logits.f32.bin`));
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Ids of the golden prompt. */
export function goldenPrompt(): number[] {
  return (JSON.parse(readFileSync(join(GOLDEN!, "golden.json"), "utf8")) as { stories260K: { prompt: number[] } }).stories260K
    .prompt;
}

/** The largest difference of two lists of numbers. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
