// Vectors of texts: the mean by hand, and what a request may ask for.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MeanPool } from "../../../workers/engine/embed.ts";
import { type Engine, openEngine } from "../../../workers/engine/engine.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { GOLDEN } from "../../golden/models.ts";
import { fileSource } from "../../golden/sources.ts";
import { nodeHost } from "./node-host.ts";

describe("the mean of states", () => {
  it("norms each row by its root mean square, weighs the columns, and has length 1", () => {
    const pool = new MeanPool(Float32Array.of(1, 2), 0);
    pool.take(Float32Array.of(3, 4, 5, 0)); // rms 5/√2 and 5/√2: rows become √2·(3/5, 4/5) and √2·(1, 0)
    // the sum is in the direction of (1.6 · 1, 0.8 · 2)
    expect([...pool.vector()]).toEqual([expect.closeTo(Math.SQRT1_2, 6), expect.closeTo(Math.SQRT1_2, 6)]);
  });

  it("is the same whether states come at once or in batches, and of nothing is nothing", () => {
    const [whole, parts] = [1, 2].map(() => new MeanPool(Float32Array.of(1, 1), 1e-5));
    whole!.take(Float32Array.of(1, 2, -3, 1));
    parts!.take(Float32Array.of(1, 2));
    parts!.take(Float32Array.of(-3, 1));
    expect(parts!.vector()).toEqual(whole!.vector());
    expect([...new MeanPool(Float32Array.of(1, 1), 1e-5).vector()]).toEqual([0, 0]);
  });
});

describe.skipIf(GOLDEN === null)("requests for embeddings", () => {
  let engine: Engine;
  const path = GOLDEN ? join(GOLDEN, "stories260K.f32.gguf") : "";

  beforeAll(async () => {
    const options = { id: "f32", name: null, backend: "wasm", contextLength: null, defaults: null } as const;
    engine = await openEngine(nodeHost(), await readModelFile(fileSource(path)), options);
  });
  afterAll(() => engine.close());

  it.each([
    [{ input: "" }, "input[0] is empty"],
    [{ input: [] }, "input must be"],
    [{ input: ["a"], dimensions: 8 }, "dimensions can't be chosen"],
    [{ input: [512] }, "Token 0 is 512"],
    [{ input: "a", encoding_format: "hex" }, "encoding_format"],
    [{ input: "a ".repeat(600) }, "tokens; the context has room for 512"],
  ])("are refused as %o", (request, words) => {
    expect(() => engine.embed(request as never)).toThrow(words);
  });
});
