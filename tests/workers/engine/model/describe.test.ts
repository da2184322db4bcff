import { describe as suite, expect, it } from "vitest";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { describe } from "../../../../workers/engine/model/describe.ts";
import type { Model } from "../../../../workers/engine/base/model.ts";
import { f32, ggufBytes, tensorBytes, text, u32, type Entry } from "../../../golden/gguf-writer.ts";
import { memorySource } from "../../../golden/sources.ts";

const METADATA: Record<string, Entry> = {
  "general.architecture": text("llama"),
  "llama.block_count": u32(1),
  "llama.context_length": u32(64),
  "llama.embedding_length": u32(8),
  "llama.feed_forward_length": u32(12),
  "llama.attention.head_count": u32(2),
  "llama.attention.head_count_kv": u32(1),
  "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
};

/** Extents, fastest first: dim 8, two heads of 4 over one, feed-forward 12, vocabulary 16. */
const EXTENTS: Record<string, number[]> = {
  "token_embd.weight": [8, 16],
  "blk.0.attn_norm.weight": [8],
  "blk.0.attn_q.weight": [8, 8],
  "blk.0.attn_k.weight": [8, 4],
  "blk.0.attn_v.weight": [8, 4],
  "blk.0.attn_output.weight": [8, 8],
  "blk.0.ffn_norm.weight": [8],
  "blk.0.ffn_gate.weight": [8, 12],
  "blk.0.ffn_up.weight": [8, 12],
  "blk.0.ffn_down.weight": [12, 8],
  "output_norm.weight": [8],
};

interface Change {
  readonly metadata?: Record<string, Entry>;
  /** Extents of tensors; an empty list leaves one out. */
  readonly tensors?: Record<string, number[]>;
}

/** Three experts of 16, of which a token takes two, in the place of the feed-forward network. */
function mixture({ metadata = {}, tensors = {} }: Change): Change {
  const dense = Object.fromEntries(["ffn_gate", "ffn_up", "ffn_down"].map((part) => [`blk.0.${part}.weight`, []]));
  const experts = {
    "blk.0.ffn_gate_inp.weight": [8, 3],
    "blk.0.ffn_gate_exps.weight": [8, 16, 3],
    "blk.0.ffn_up_exps.weight": [8, 16, 3],
    "blk.0.ffn_down_exps.weight": [16, 8, 3],
  };
  const numbers = { "llama.feed_forward_length": u32(16), "llama.expert_count": u32(3), "llama.expert_used_count": u32(2) };
  return { metadata: { ...numbers, ...metadata }, tensors: { ...dense, ...experts, ...tensors } };
}

async function modelOf(change: Change): Promise<Model> {
  const all = Object.entries({ ...EXTENTS, ...change.tensors }).filter(([, extents]) => extents.length > 0);
  const tensors = all.map(([name, extents]) => {
    return { name, type: "F32" as const, extents, bytes: () => new Uint8Array(tensorBytes("F32", extents)) };
  });
  const source = memorySource(ggufBytes({ metadata: { ...METADATA, ...change.metadata }, tensors }));
  return describe(await readGguf(source), source);
}

suite("a model read from its header", () => {
  it("is an embedding, layers and a head that shares the embedding", async () => {
    const { segments, shape } = await modelOf({});
    expect(segments.map((segment) => segment.name)).toEqual(["embedding", "layer 0", "head"]);
    expect(segments[2]!.needs.map((tensor) => tensor.name)).toEqual(["output_norm.weight", "token_embd.weight"]);
    expect(shape).toMatchObject({ dim: 8, heads: 2, kvHeads: 1, headDim: 4, vocab: 16 });
  });

  it("has a head of its own where the file has one", async () => {
    const { segments } = await modelOf({ tensors: { "output.weight": [8, 16] } });
    expect(segments[2]!.needs.map((tensor) => tensor.name)).toEqual(["output_norm.weight", "output.weight"]);
  });

  it("names the architecture it cannot run", async () => {
    const other = modelOf({ metadata: { "general.architecture": text("falcon") } });
    await expect(other).rejects.toMatchObject({ code: "unsupported_architecture", message: expect.stringContaining('"falcon"') });
  });

  it("says what to take instead of GPT4All-J", async () => {
    const other = modelOf({ metadata: { "general.architecture": text("gptj") } });
    await expect(other).rejects.toMatchObject({ code: "unsupported_architecture", hint: expect.stringContaining("snoozy") });
  });

  it("refuses divisors of the rotation that are zero", async () => {
    const still = modelOf({ tensors: { "rope_freqs.weight": [2] } });
    await expect(still).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("rope_freqs") });
  });

  it("refuses tensors it would have to leave out, but for the rotation's", async () => {
    await expect(modelOf({ tensors: { "blk.0.attn_rot_embd.weight": [2] } })).resolves.toBeDefined();
    const normed = modelOf({ tensors: { "blk.0.attn_q_norm.weight": [4] } });
    await expect(normed).rejects.toMatchObject({
      code: "unsupported_architecture",
      message: expect.stringContaining("attn_q_norm"),
    });
  });

  it("has the biases that the file has, one number an output", async () => {
    const { segments } = await modelOf({ tensors: { "blk.0.attn_k.bias": [4], "blk.0.ffn_up.bias": [12] } });
    const biased = segments[1]!.steps.flatMap((step) => (step.op === "linear" && step.bias ? [step.bias.name] : []));
    expect(biased).toEqual(["blk.0.attn_k.bias", "blk.0.ffn_up.bias"]);
    expect(segments[1]!.needs.map(({ name }) => name)).toContain("blk.0.attn_k.bias");
    const misshapen = modelOf({ tensors: { "blk.0.attn_k.bias": [8] } });
    await expect(misshapen).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("1 x 8; 1 x 4") });
  });

  it("attends to a window where the file has one that is shorter than the context", async () => {
    const windowOf = async (window: number) => {
      const { segments } = await modelOf({ metadata: { "llama.attention.sliding_window": u32(window) } });
      return segments[1]!.steps.flatMap((step) => (step.op === "attend" ? [step.window] : []));
    };
    expect(await windowOf(16)).toEqual([16]);
    expect(await windowOf(64)).toEqual([undefined]);
    expect(await windowOf(0)).toEqual([undefined]);
  });

  it("has heads of another width than its own over their number", async () => {
    const metadata = { "llama.attention.key_length": u32(6), "llama.attention.value_length": u32(6) };
    const tensors = { "blk.0.attn_q.weight": [8, 12], "blk.0.attn_k.weight": [8, 6], "blk.0.attn_v.weight": [8, 6] };
    const { shape, rope } = await modelOf({ metadata, tensors: { ...tensors, "blk.0.attn_output.weight": [12, 8] } });
    expect([shape.headDim, rope.dims]).toEqual([6, 6]);
    const different = modelOf({ metadata: { ...metadata, "llama.attention.value_length": u32(4) }, tensors });
    await expect(different).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("differ in length") });
  });

  it("is a mixture of experts where the file has a router", async () => {
    const { segments } = await modelOf(mixture({}));
    const step = segments[1]!.steps.at(-1)!;
    expect(step).toMatchObject({ op: "experts", count: 3, used: 2, gate: { rows: 48, cols: 8 }, down: { rows: 24, cols: 16 } });
    expect(segments[1]!.needs.map(({ name }) => name)).toContain("blk.0.ffn_gate_inp.weight");
  });

  it("takes experts that a file keeps apart for one tensor, and refuses them where they differ", async () => {
    const apart = Object.fromEntries(
      [0, 1, 2].flatMap((expert) => [
        [`blk.0.ffn_gate.${expert}.weight`, [8, 16]],
        [`blk.0.ffn_up.${expert}.weight`, [8, 16]],
        [`blk.0.ffn_down.${expert}.weight`, [16, 8]],
      ]),
    );
    const together = Object.fromEntries(["gate", "up", "down"].map((part) => [`blk.0.ffn_${part}_exps.weight`, []]));
    const { segments } = await modelOf(mixture({ tensors: { ...together, ...apart } }));
    const up = segments[1]!.needs.find(({ name }) => name === "blk.0.ffn_up_exps.weight")!;
    expect([up.rows, up.cols, up.sizeBytes]).toEqual([48, 8, 4 * 48 * 8]);
    expect(up.parts!.map(({ name }) => name)).toEqual([0, 1, 2].map((expert) => `blk.0.ffn_up.${expert}.weight`));
    const differing = modelOf(mixture({ tensors: { ...together, ...apart, "blk.0.ffn_up.1.weight": [8, 24] } }));
    await expect(differing).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("ffn_up.1.weight") });
  });

  it("refuses experts that are too few, misshapen, or of broken groups of rows", async () => {
    const greedy = modelOf(mixture({ metadata: { "llama.expert_used_count": u32(4) } }));
    await expect(greedy).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("4 of 3 experts") });
    const two = modelOf(mixture({ tensors: { "blk.0.ffn_up_exps.weight": [8, 16, 2] } }));
    await expect(two).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("32 x 8; 48 x 8") });
    const twice = modelOf(mixture({ tensors: { "blk.0.ffn_gate.0.weight": [8, 16] } }));
    await expect(twice).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("same name") });
    const broken = modelOf(mixture({ metadata: { "llama.feed_forward_length": u32(12) } }));
    await expect(broken).rejects.toMatchObject({ code: "unsupported_architecture" });
  });

  it("refuses a tensor of another extent than its activations", async () => {
    const misshapen = modelOf({ tensors: { "blk.0.ffn_down.weight": [8, 12] } });
    await expect(misshapen).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("12 x 8; 8 x 12") });
  });

  it("says which number is missing", async () => {
    const mute = modelOf({ metadata: { "llama.block_count": f32(0) } });
    await expect(mute).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("block_count") });
  });
});
