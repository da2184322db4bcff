// A conversion as the page goes through it: files, what they are, a base where they are a difference, a transfer, a model.
import { describe, expect, it } from "vitest";
import type { CheckpointPreview, ConversionRequest } from "../../../workers/engine/base/conversion.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import type { StoredModel } from "../../../workers/engine/base/wire.ts";
import { Conversion } from "../../../web/state/conversion.svelte.ts";
import type { Shelf } from "../../../web/state/shelf.svelte.ts";

const FILES = [new File(["x"], "model.safetensors"), new File(["{}"], "config.json")];

describe("a conversion", () => {
  it("looks at files, and names the model after them", async () => {
    const { conversion } = setUp();
    await conversion.take(FILES);
    expect(conversion.name).toBe("model");
    expect(conversion.preview?.format).toBe("test");
    await conversion.take(["owner/tiny-llama"]);
    expect(conversion.name).toBe("tiny-llama");
  });

  it("waits for the base of a difference", async () => {
    const { conversion } = setUp();
    await conversion.take(FILES);
    await conversion.setRecipe("alpaca");
    expect(conversion.wantsBase).toBe(true);
    await conversion.takeBase([new File(["y"], "consolidated.00.pth")]);
    expect(conversion.wantsBase).toBe(false);
    await conversion.setRecipe(null);
    expect(conversion.base).toBeNull();
  });

  it("asks for what was chosen, and shows what came of it", async () => {
    const { conversion, asked, names } = setUp();
    await conversion.take(FILES);
    conversion.name = " tiny ";
    conversion.target = "Q8_0";
    conversion.promptFormat = "koala";
    await conversion.start();
    expect(names).toEqual(["tiny"]);
    expect(asked).toMatchObject([{ name: "tiny", target: "Q8_0", promptFormat: "koala", base: null, recipe: null }]);
    expect(conversion.done?.model.id).toBe("own:tiny");
    expect(conversion.files).toEqual([]);
  });

  it("says why files are refused", async () => {
    const { conversion } = setUp(new EngineError("bad_file", "No."));
    await conversion.take(FILES);
    expect(conversion.error).toMatchObject({ code: "bad_file", message: "No." });
    expect(conversion.looking).toBe(false);
  });
});

function setUp(refusal?: EngineError): { conversion: Conversion; asked: Partial<ConversionRequest>[]; names: string[] } {
  const asked: Partial<ConversionRequest>[] = [];
  const names: string[] = [];
  const preview = { format: "test" } as CheckpointPreview;
  const model = { id: "own:tiny", name: "tiny.Q8_0.gguf" } as StoredModel;
  const shelf = {
    convert: async (name: string, work: (options: object) => Promise<unknown>) => {
      names.push(name);
      await work({});
    },
  } as unknown as Shelf;
  const conversion = new Conversion(shelf, {
    inspectCheckpoint: () => (refusal ? Promise.reject(refusal) : Promise.resolve(preview)),
    convertCheckpoint: (request) => {
      asked.push(request);
      return Promise.resolve({ model, check: null });
    },
  });
  return { conversion, asked, names };
}
