// Rotary position embedding: every scaling a GGUF file can ask for, folded into one table of frequencies.
// Source: Su et al., RoFormer; Peng et al., YaRN, section 3; llama.cpp ggml/src/ggml-cpu/ops.cpp, rope_yarn.
import { EngineError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Rope } from "../base/model.ts";

/**
 * The rotation of a head of headDim dimensions. `divisors` is rope_freqs.weight [dims / 2] (Llama 3.x), null where the file
 * has none. Throws `bad_file` for a scaling we don't know.
 */
export function ropeOf(metadata: Metadata, headDim: number, divisors: Float32Array | null): Rope {
  const number = (key: string, fallback: number): number => metadata.number(`llama.rope.${key}`) ?? fallback;
  const dims = number("dimension_count", headDim);
  if (dims % 2 !== 0 || dims > headDim) throw bad(`Cannot rotate ${dims} of ${headDim} dimensions.`);
  if (divisors !== null && divisors.length < dims / 2) throw bad(`rope_freqs has ${divisors.length} of ${dims / 2} numbers.`);
  if (divisors?.some((divisor) => !(divisor > 0))) throw bad("rope_freqs has a divisor that is not above zero.");
  const base = number("freq_base", 10000);
  const plain = Float64Array.from({ length: dims / 2 }, (_, i) => base ** ((-2 * i) / dims) / (divisors?.[i] ?? 1));
  const type = metadata.text("llama.rope.scaling.type") ?? "linear";
  // Files from before scaling.type have scale_linear alone.
  const factor = number("scaling.factor", 0) || number("scale_linear", 0) || 1;
  if (type === "none") return { dims, frequencies: Float32Array.from(plain), magnitude: 1 };
  if (type === "linear") return { dims, frequencies: Float32Array.from(plain, (f) => f / factor), magnitude: 1 };
  if (type === "yarn") return yarn({ dims, base, plain, factor, number });
  throw bad(`Its position scaling "${type}" is not one that LLaMA models use.`);
}

interface Yarn {
  dims: number;
  base: number;
  plain: Float64Array;
  factor: number;
  number: (key: string, fallback: number) => number;
}

/** Slow rotations are interpolated, fast ones kept, a ramp between; attention is sharpened by the magnitude. */
function yarn({ dims, base, plain, factor, number }: Yarn): Rope {
  const trained = number("scaling.original_context_length", 0);
  if (!(trained > 0)) throw bad("YaRN scaling needs rope.scaling.original_context_length.");
  const correction = (turns: number): number => (dims * Math.log(trained / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const low = Math.max(0, Math.floor(correction(number("scaling.yarn_beta_fast", 32))));
  const high = Math.min(dims - 1, Math.ceil(correction(number("scaling.yarn_beta_slow", 1))));
  const frequencies = Float32Array.from(plain, (frequency, i) => {
    const ramp = 1 - Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)));
    return (frequency / factor) * (1 - ramp) + frequency * ramp;
  });
  return { dims, frequencies, magnitude: number("scaling.attn_factor", 1) * (1 + 0.1 * Math.log(factor)) };
}

function bad(message: string): EngineError {
  return new EngineError("bad_file", message, "Choose another conversion of this model.");
}
