// A model's numbers from config.json and params.json, as Meta's and others' models have them.
import { describe, expect, it } from "vitest";
import { configOf, paramsOf } from "../../../../workers/engine/checkpoint/config.ts";
import { fieldsOf, type Fields } from "../../../../workers/engine/checkpoint/formats/json.ts";
import { ropeDivisors } from "../../../../workers/engine/convert/metadata.ts";

const SEVEN_B = {
  model_type: "llama",
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  max_position_embeddings: 4096,
};

describe("config.json", () => {
  it("has LLaMA's defaults where it says nothing", () => {
    expect(configOf(fields(SEVEN_B))).toMatchObject({ kvHeads: 32, headDim: 128, theta: 10000, epsilon: 1e-6, scaling: null });
  });

  it("of Vicuna 1.5 16k stretches 4,096 positions four times", () => {
    const config = configOf(fields({ ...SEVEN_B, rope_scaling: { type: "linear", factor: 4 } }));
    expect(config).toMatchObject({ contextLength: 16_384, scaling: { type: "linear", factor: 4 } });
  });

  it("of Llama 3.1 keeps fast rotations and slows the others eight times", () => {
    const rope_scaling = {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    const config = configOf(fields({ ...SEVEN_B, max_position_embeddings: 131_072, rope_theta: 500_000, rope_scaling }));
    expect(config.contextLength).toBe(131_072);
    const divisors = ropeDivisors(config)!;
    expect(divisors[0]).toBe(1); // one turn in 6 positions
    expect(divisors[63]).toBe(8); // one turn in 2.5 million
    // Dimension 30: a wavelength of 2948 between 8192 / 4 and 8192: smooth = (8192 / 2948.0 - 1) / 3 = 0.593.
    expect(divisors[30]).toBeCloseTo(1 / ((1 - 0.593) / 8 + 0.593), 2);
  });

  it.each([
    ["gptj", /GPT-J/],
    ["qwen2", /architecture "qwen2"/],
  ])("of %s is refused", (model_type, message) => {
    expect(() => configOf(fields({ ...SEVEN_B, model_type }))).toThrow(message);
  });

  it.each([{ num_attention_heads: 0 }, { num_attention_heads: 24.5 }, { num_key_value_heads: 3 }, { hidden_size: "4096" }])(
    "is damaged with %j",
    (change) => {
      expect(() => configOf(fields({ ...SEVEN_B, ...change }))).toThrow(/damaged/);
    },
  );
});

describe("params.json", () => {
  const ffn = new Map([
    ["blk.0.ffn_gate.weight", { type: "F16", rows: 11008, cols: 4096, read: () => Promise.reject() } as const],
  ]);

  it.each([
    ["LLaMA 7B", { norm_eps: 1e-6 }, 2048],
    ["Llama 2 7B", { norm_eps: 1e-5 }, 4096],
    ["LLaMA 65B", { norm_eps: 1e-5, dim: 8192, n_heads: 64 }, 2048],
    ["Code Llama", { norm_eps: 1e-5, rope_theta: 1e6 }, 16_384],
    ["Llama 3 8B", { norm_eps: 1e-5, rope_theta: 5e5, n_kv_heads: 8 }, 8192],
    ["Llama 3.1 8B", { norm_eps: 1e-5, rope_theta: 5e5, use_scaled_rope: true }, 131_072],
  ])("of %s means %i positions", (_, change, contextLength) => {
    const config = paramsOf(fields({ dim: 4096, n_layers: 32, n_heads: 32, ...change }), ffn);
    expect(config).toMatchObject({ contextLength, ffnDim: 11008 });
  });
});

function fields(value: object): Fields {
  return fieldsOf("config.json", value)!;
}
