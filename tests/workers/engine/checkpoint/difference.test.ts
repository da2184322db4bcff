// Models published as differences: base + difference, with each project's rows for the tokens it added, and its rounding.
import { describe, expect, it } from "vitest";
import { QUANTS } from "../../../../shaders/quant/index.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import type { Checkpoint } from "../../../../workers/engine/checkpoint/checkpoint.ts";
import { addDifference, RECIPES } from "../../../../workers/engine/checkpoint/difference.ts";
import type { FloatType } from "../../../../workers/engine/checkpoint/formats/stored.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { checkSum } from "../../../../workers/engine/checkpoint/sum.ts";
import { packed } from "../../../golden/models.ts";
import { utf8 } from "../../../golden/publish/bytes.ts";
import { easyLmStream } from "../../../golden/publish/easylm.ts";
import { asEasyLm, asHuggingFace, asMeta } from "../../../golden/publish/llama.ts";
import { torchZip } from "../../../golden/publish/torch.ts";
import type { StateDict, Weights } from "../../../golden/publish/weights.ts";
import { memorySource } from "../../../golden/sources.ts";

const [LAYERS, DIM, FFN, VOCAB] = [2, 16, 24, 10];
const PARAMS = { dim: DIM, n_layers: LAYERS, n_heads: 2, norm_eps: 1e-6, vocab_size: VOCAB };
const CONFIG = {
  model_type: "llama",
  hidden_size: DIM,
  intermediate_size: FFN,
  num_hidden_layers: LAYERS,
  num_attention_heads: 2,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
};

describe("Alpaca's difference", () => {
  it("stands on the mean of the base's rows where it added a token", async () => {
    const base = weights(VOCAB, 1);
    const tuned = weights(VOCAB + 1, 2);
    const grown = withRow(base, (rows) => mean(rows));
    const sum = addDifference(await hugging(base), await hugging(minus(tuned, grown)), RECIPES.alpaca);
    await expectWeights(sum, tuned, 1e-6); // sums in single precision
  });

  it("is checked by the published sum, over the published number of weights alone", async () => {
    const model = weights(VOCAB, 3);
    const checkpoint = await hugging(model);
    const count = [...model.values()].reduce((all, { values }) => all + values.length, 0);
    // Two layers, heads of 8: frequencies 1, 0.1, 0.01, 0.001.
    const sum = [...model.values()].flatMap(({ values }) => [...values]).reduce((all, value) => all + value, 2 * 1.111);
    const recipe = (published: number) => ({ ...RECIPES.alpaca, check: { sum: published, tolerance: 1e-2, parameters: count } });
    expect(await checkSum(checkpoint, recipe(sum))).toMatchObject({ sum: expect.closeTo(sum, 4), holds: true });
    expect(await checkSum(checkpoint, recipe(sum + 0.02))).toMatchObject({ holds: false });
    expect(await checkSum(checkpoint, RECIPES.alpaca)).toBeNull();
  });
});

describe("Vicuna's difference", () => {
  it("stands on zeros in v0, added in half precision", async () => {
    const base = rounded(weights(VOCAB, 4), "F16");
    const delta = rounded(weights(VOCAB + 1, 5), "F16");
    const sum = addDifference(await hugging(base, "F16"), await hugging(delta, "F16"), RECIPES["vicuna-v0"]);
    const grown = withRow(base, () => new Float32Array(DIM));
    await expectWeights(sum, rounded(plus(grown, delta), "F16"), 0);
  });

  it("adds no token from v1.1 on", async () => {
    const [base, delta] = [weights(VOCAB, 6), weights(VOCAB + 1, 7)];
    const [start, difference] = [await hugging(base), await hugging(delta)];
    expect(() => addDifference(start, difference, RECIPES["vicuna-v1.1"])).toThrow(/token_embd.weight is 11 x 16 .* 10 x 16/);
  });
});

describe("Koala's difference", () => {
  it("is a stream of its own, on Meta's file, rounded to its 16 bits", async () => {
    const [base, delta] = [weights(VOCAB, 8), rounded(weights(VOCAB, 9), "BF16")];
    const meta = await openCheckpoint("base", [
      memorySource(torchZip(asMeta(base)), undefined, "consolidated.00.pth"),
      memorySource(utf8(JSON.stringify(PARAMS)), undefined, "params.json"),
    ]);
    const params = memorySource(utf8(JSON.stringify(PARAMS)), undefined, "params.json");
    const stream = memorySource(easyLmStream(asEasyLm(delta)), undefined, "koala_7b_diff_v2");
    const sum = addDifference(meta, await openCheckpoint("koala", [stream, params]), RECIPES.koala);
    await expectWeights(sum, rounded(plus(base, delta), "BF16"), 0);
    expect(sum.format).toBe("Koala: EasyLM's stream, on Meta's file");
  });
});

it("refuses a base of another size", async () => {
  const [start, difference] = [await hugging(weights(VOCAB, 1)), await hugging(weights(VOCAB - 1, 2))];
  expect(() => addDifference(start, difference, RECIPES.alpaca)).toThrow(/do not fit/);
});

async function expectWeights(checkpoint: Checkpoint, expected: StateDict, tolerance: number): Promise<void> {
  expect([...checkpoint.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const { name, rows, read } of checkpoint.tensors.values()) {
    const values = [...(await read(0, rows))];
    const off = values.map((value, i) => Math.abs(value - expected.get(name)!.values[i]!));
    expect(Math.max(...off), name).toBeLessThanOrEqual(tolerance);
    const one = await read(rows - 1, 1); // rows come alone, too
    expect([...one]).toEqual(values.slice(-one.length));
  }
}

/** Hugging Face's form of weights under GGUF's names. */
function hugging(gguf: StateDict, type: FloatType = "F32"): Promise<Checkpoint> {
  const files: ByteSource[] = [
    memorySource(torchZip(asHuggingFace(gguf), { type }), undefined, "pytorch_model.bin"),
    memorySource(utf8(JSON.stringify(CONFIG)), undefined, "config.json"),
  ];
  return openCheckpoint("model", files);
}

/** A small LLaMA under GGUF's names. */
function weights(vocab: number, seed: number): Map<string, Weights> {
  const dict = new Map<string, Weights>();
  let state = seed;
  const add = (name: string, ...extents: number[]): void => {
    const values = Float32Array.from({ length: extents.reduce((a, b) => a * b) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state - 2 ** 31) / 2 ** 33;
    });
    dict.set(`${name}.weight`, { extents, values });
  };
  add("token_embd", vocab, DIM);
  for (let layer = 0; layer < LAYERS; layer++) {
    const blk = `blk.${layer}.`;
    for (const norm of ["attn_norm", "ffn_norm"]) add(blk + norm, DIM);
    for (const part of ["attn_q", "attn_k", "attn_v", "attn_output"]) add(blk + part, DIM, DIM);
    for (const part of ["ffn_gate", "ffn_up"]) add(blk + part, FFN, DIM);
    add(`${blk}ffn_down`, DIM, FFN);
  }
  add("output_norm", DIM);
  add("output", vocab, DIM);
  return dict;
}

function withRow(dict: StateDict, row: (rows: Float32Array) => Float32Array): Map<string, Weights> {
  return new Map(
    [...dict].map(([name, weight]) => {
      if (!/^(token_embd|output)\.weight$/.test(name)) return [name, weight];
      const values = Float32Array.of(...weight.values, ...row(weight.values));
      return [name, { extents: [weight.extents[0]! + 1, DIM], values }];
    }),
  );
}

function mean(rows: Float32Array): Float32Array {
  return Float32Array.from({ length: DIM }, (_, col) => {
    let sum = 0;
    for (let at = col; at < rows.length; at += DIM) sum += rows[at]!;
    return (sum * DIM) / rows.length;
  });
}

function combine(a: StateDict, b: StateDict, sign: 1 | -1): Map<string, Weights> {
  return new Map(
    [...a].map(([name, { extents, values }]) => [
      name,
      { extents, values: values.map((value, i) => value + sign * b.get(name)!.values[i]!) },
    ]),
  );
}

const plus = (a: StateDict, b: StateDict): Map<string, Weights> => combine(a, b, 1);
const minus = (a: StateDict, b: StateDict): Map<string, Weights> => combine(a, b, -1);

function rounded(dict: StateDict, type: FloatType): Map<string, Weights> {
  return new Map(
    [...dict].map(([name, { extents, values }]) => {
      const out = new Float32Array(values.length);
      QUANTS[type].dequantize(packed(type, values), out);
      return [name, { extents, values: out }];
    }),
  );
}
