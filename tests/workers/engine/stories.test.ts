// A real, tiny LLaMA against reference tokens: greedy text through the whole engine.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { wholeCompletion } from "../../../workers/engine/answers.ts";
import { openEngine } from "../../../workers/engine/engine.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { GOLDEN } from "../../golden/models.ts";
import { fileSource } from "../../golden/sources.ts";
import { nodeHost } from "./node-host.ts";

describe.skipIf(GOLDEN === null)("stories260K", () => {
  // llama.cpp agrees on all of them for f32, f16 and q8_0; q4_0 leaves them after 28, as its weights do.
  it.each([
    ["f32", 60],
    ["f16", 60],
    ["q8_0", 60],
  ])("in %s tells its story word for word, to the end of %i tokens", async (type, count) => {
    const { greedy } = JSON.parse(readFileSync(join(GOLDEN!, "golden.json"), "utf8")).stories260K as { greedy: number[] };
    const file = await readModelFile(fileSource(join(GOLDEN!, `stories260K.${type}.gguf`)));
    const engine = await openEngine(nodeHost(), file, {
      id: type,
      name: null,
      backend: "wasm",
      contextLength: null,
      defaults: null,
    });
    const author = { model: type, bytesOf: (id: number) => engine.tokenizer.piece(id) };
    const request = { prompt: greedy.slice(0, 1), max_tokens: count - 1, temperature: 0 };
    const answer = await wholeCompletion(author, engine.complete(request)());
    // A space in front of the first word belongs to what follows a prompt.
    expect(answer.choices[0].text.trimStart()).toBe(engine.detokenize(greedy.slice(0, count)));
    expect(engine.info).toMatchObject({ shape: { layers: 5, heads: 8, kvHeads: 4, vocab: 512 }, contextLength: 512 });
    await engine.close();
  });
});
