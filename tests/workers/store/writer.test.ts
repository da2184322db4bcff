// Models that are made here: written shard by shard, gone on with after an interruption, listed when they are whole.
import { beforeEach, describe, expect, it } from "vitest";
import { noise, SMALL_SHARD } from "./setup.ts";
import { listModels, removeModel, wipe } from "../../../workers/store/models.ts";
import { openStored } from "../../../workers/store/remote.ts";
import { createModel, type NewModel } from "../../../workers/store/writer.ts";

const FILE = noise(2 * SMALL_SHARD + 100);
const MODEL: NewModel = { id: "own:m", name: "m.Q8_0.gguf", origin: "conversion", sizeBytes: null, recipe: "from a" };

beforeEach(wipe);

describe("a model that is written here", () => {
  it("comes back byte for byte, in whatever pieces it was written", async () => {
    const writer = await createModel(MODEL);
    for (let at = 0; at < FILE.length; at += 1000) await writer.append(FILE.subarray(at, at + 1000));
    await writer.finish();
    const source = await openStored("own:m");
    expect(await source!.read(0, FILE.length)).toEqual(FILE);
    expect(await listModels()).toMatchObject([
      {
        id: "own:m",
        sizeBytes: FILE.length,
        storedBytes: FILE.length,
        complete: true,
        origin: "conversion",
        quantization: "Q8_0",
      },
    ]);
  });

  it("goes on at its last whole shard under the same recipe", async () => {
    const first = await createModel(MODEL);
    await first.append(FILE.subarray(0, 2 * SMALL_SHARD - 1));
    first.close();
    expect(await listModels()).toMatchObject([{ sizeBytes: 0, storedBytes: SMALL_SHARD, complete: false }]);
    const second = await createModel(MODEL);
    expect(second.keptBytes).toBe(SMALL_SHARD);
    await second.append(FILE.subarray(SMALL_SHARD));
    await second.finish();
    expect(await (await openStored("own:m"))!.read(0, FILE.length)).toEqual(FILE);
  });

  it("starts anew under another recipe, and once it is whole", async () => {
    const first = await createModel(MODEL);
    await first.append(FILE);
    expect((await createModel({ ...MODEL, recipe: "from b" })).keptBytes).toBe(0);
    const third = await createModel(MODEL);
    await third.append(FILE);
    await third.finish();
    expect((await createModel(MODEL)).keptBytes).toBe(0);
  });

  it("is refused when it has another length than was said", async () => {
    const writer = await createModel({ ...MODEL, sizeBytes: 10 });
    await writer.append(FILE.subarray(0, 9));
    await expect(writer.finish()).rejects.toMatchObject({ code: "internal" });
  });

  it("is not brought back by its writer once it was removed", async () => {
    const writer = await createModel(MODEL);
    await removeModel("own:m");
    await expect(writer.append(FILE)).rejects.toMatchObject({ code: "aborted" });
    expect(await listModels()).toEqual([]);
  });
});
