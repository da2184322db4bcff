// The model that comes with Cria, against what llama.cpp makes of it: a trained LLaMA that is in every clone.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wholeChat, wholeCompletion } from "../../../workers/engine/answers.ts";
import { type Engine, openEngine } from "../../../workers/engine/engine.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import golden from "../../golden/builtin/golden.json" with { type: "json" };
import { BUILTIN } from "../../golden/models.ts";
import { fileSource } from "../../golden/sources.ts";
import { dawn } from "../../shaders/dawn.ts";
import { nodeHost } from "./node-host.ts";

const BACKENDS = ["wasm", "webgpu"] as const;

it("is the file that the golden text is of", () => {
  const file = readFileSync(BUILTIN);
  expect(createHash("sha256").update(file).digest("hex")).toBe(golden.sha256);
  expect(file.length).toBeLessThanOrEqual(3_000_000);
});

describe.each(BACKENDS)("the built-in model on %s", (backend) => {
  let engine: Engine;
  const author = { model: "builtin", bytesOf: (id: number) => engine.tokenizer.piece(id) };

  beforeAll(async () => {
    const host = nodeHost({ gpu: backend === "webgpu" ? dawn() : null });
    const file = await readModelFile(fileSource(BUILTIN));
    engine = await openEngine(host, file, { id: "builtin", name: null, backend, contextLength: null, defaults: null });
  });

  afterAll(() => engine.close());

  it("is a LLaMA of 2.75 million parameters", () => {
    expect(engine.info).toMatchObject({ backend, name: "Cria Storyteller", quantization: "Q8_0", parameters: 2_754_816 });
    expect(engine.info.shape).toMatchObject({ layers: 4, dim: 256, ffnDim: 512, heads: 4, kvHeads: 2, headDim: 64, vocab: 1536 });
  });

  it.each(golden.stories)("reads and goes on after $prompt as llama.cpp does", async ({ prompt, ids, greedy, text }) => {
    expect([engine.info.startToken, ...engine.tokenize(prompt, { special: true })]).toEqual(ids);
    // Within 512 positions, and no further than llama.cpp was asked.
    const request = { prompt: ids, max_tokens: greedy.length, temperature: 0 };
    const answer = await wholeCompletion(author, engine.complete(request)());
    expect(answer.choices[0].text).toBe(text);
  });

  it("says of a question that it is too small for it", async () => {
    const { prompt, text } = golden.stories[2]!;
    const question = prompt.split("\n")[1]!.replace("<|im_end|>", "");
    const request = { messages: [{ role: "user", content: question }], temperature: 0 } as const;
    const answer = await wholeChat(author, engine.chat(request)());
    expect(answer.choices[0]).toMatchObject({ message: { content: text }, stop_type: "eos" });
  });
});
