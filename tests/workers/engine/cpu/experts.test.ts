// A small Mixtral, made of stories260K: what WASM makes of it beside llama.cpp and a walk through the steps in doubles.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { referenceLogits } from "../../../../workers/engine/gpu/reference.ts";
import { describe as describeModel } from "../../../../workers/engine/model/describe.ts";
import { type NewTensor, u32, writeGguf } from "../../../golden/gguf-writer.ts";
import { GOLDEN, metadataOf, packed } from "../../../golden/models.ts";
import { fileSource } from "../../../golden/sources.ts";
import { distance } from "../../../numbers/distance.ts";
import { logitsAlong, open } from "../../../numbers/engines.ts";
import { llamaCpp } from "../../../numbers/truth.ts";
import { nodeHost } from "../node-host.ts";
import { numbers } from "./products.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "cria-experts-"));
const TEXT = "Once upon a time there was a little llama who hummed all day, and one day she went to the park with her friend.";
const TASK = { text: TEXT, positions: 32, promptTokens: 8, greedyTokens: 1 };
const [COUNT, USED, DIM, FFN] = [4, 2, 64, 192];

describe.skipIf(GOLDEN === null)("a mixture of experts on WASM", () => {
  afterAll(() => rmSync(FOLDER, { recursive: true }));

  it("computes what llama.cpp computes, from weights that are floats", async () => {
    const path = await smallMixtral("F32");
    const theirs = await llamaCpp(path, TASK, "F32");
    const opened = await open(openCpu, nodeHost(), fileSource(path));
    const ours = await logitsAlong(opened, theirs.ids);
    opened.backend.dispose();
    expect(distance(theirs, ours).d).toBeLessThan(1e-4); // sums in another order
  });

  it("computes what doubles make of its steps, all at once and one by one", async () => {
    const { expected, found } = await beside("F32");
    for (const values of found) expect(apart(values, expected)).toBeLessThan(1e-3);
  });

  it("comes as near to them from quantized experts as 8-bit activations let it", async () => {
    const { expected, found, vocab } = await beside("Q8_0");
    const truth = { vocab, values: Float32Array.from(expected) };
    for (const values of found) expect(distance(truth, { vocab, values }).d).toBeLessThan(0.03);
  });
});

/** The reference's logits along a text, and ours: 32 tokens at once, and one after the other. */
async function beside(type: "F32" | "Q8_0") {
  const path = await smallMixtral(type);
  const bytes = readFileSync(path);
  const source = fileSource(path);
  const model = await describeModel(await readGguf(source), source);
  const random = numbers(3);
  const ids = Array.from({ length: 32 }, () => random() % model.shape.vocab);
  const expected = referenceLogits(model, ({ offset, sizeBytes }) => bytes.subarray(offset, offset + sizeBytes), ids);
  const opened = await open(openCpu, nodeHost(), source);
  const found = [(await logitsAlong(opened, ids)).values, (await logitsAlong(opened, ids, 1)).values];
  opened.backend.dispose();
  return { expected, found, vocab: model.shape.vocab };
}

/** Four experts a layer, each the layer's own network with every weight up to half as large again, and rows of its own to be 192. */
async function smallMixtral(type: "F32" | "Q8_0"): Promise<string> {
  const source = fileSource(join(GOLDEN!, "stories260K.f32.gguf"));
  const { tensors } = await readGguf(source);
  const random = numbers(11);
  const uniform = (): number => random() / 2 ** 31 - 1;
  const made: NewTensor[] = [];
  for (const { name, rows, cols, offset, sizeBytes } of tensors.values()) {
    const weights = new Float32Array(Uint8Array.from(await source.read(offset, sizeBytes)).buffer);
    const part = /^(blk\.\d+)\.(ffn_gate|ffn_up|ffn_down)\.weight$/.exec(name);
    if (!part) {
      made.push({ name, type: "F32", extents: rows > 1 ? [cols, rows] : [cols], bytes: () => new Uint8Array(weights.buffer) });
      continue;
    }
    const [, block, kind] = part;
    const [height, width] = kind === "ffn_down" ? [DIM, FFN] : [FFN, DIM];
    const all = Float32Array.from({ length: COUNT * height * width }, (_, i) => {
      const [row, col] = [Math.floor(i / width) % height, i % width];
      return row < rows && col < cols ? weights[row * cols + col]! * (1 + uniform() / 2) : 0.05 * uniform();
    });
    made.push({ name: `${block}.${kind}_exps.weight`, type, extents: [width, height, COUNT], bytes: () => packed(type, all) });
    if (kind !== "ffn_gate") continue;
    const router = Float32Array.from({ length: COUNT * DIM }, () => 0.3 * uniform());
    made.push({ name: `${block}.ffn_gate_inp.weight`, type: "F32", extents: [DIM, COUNT], bytes: () => packed("F32", router) });
  }
  const path = join(FOLDER, `mixtral.${type}.gguf`);
  const metadata = {
    "llama.feed_forward_length": u32(FFN),
    "llama.expert_count": u32(COUNT),
    "llama.expert_used_count": u32(USED),
  };
  writeGguf(path, { metadata, copied: await metadataOf(source, Object.keys(metadata)), tensors: made });
  source.close();
  return path;
}

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
