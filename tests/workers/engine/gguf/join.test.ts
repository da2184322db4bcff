// Split models put together: the same tensors as the whole file, in any order of the parts, and words for what is missing.
import { describe, expect, it } from "vitest";
import { SHARD_BYTES } from "../../../../workers/engine/base/source.ts";
import { joinSplit } from "../../../../workers/engine/gguf/join.ts";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { splitGguf } from "../../../golden/gguf-split.ts";
import { memorySource } from "../../../golden/sources.ts";
import { tinyGguf } from "../tiny.ts";

const WHOLE = tinyGguf();
const PARTS = await splitGguf(WHOLE, 3);

describe("a split model", () => {
  it("has the metadata and the tensors of the whole, byte for byte, whatever order its files are given in", async () => {
    const joined = await joinSplit(
      "tiny.gguf",
      [PARTS[2]!, PARTS[0]!, PARTS[1]!].map((part) => memorySource(part)),
    );
    const [gguf, whole] = [await readGguf(joined), await readGguf(memorySource(WHOLE))];
    expect(gguf.metadata.keys).toEqual(whole.metadata.keys);
    expect([...gguf.tensors.keys()]).toEqual([...whole.tensors.keys()]);
    for (const [name, { offset, sizeBytes }] of gguf.tensors) {
      const original = whole.tensors.get(name)!;
      expect(await joined.read(offset, sizeBytes)).toEqual(WHOLE.slice(original.offset, original.offset + original.sizeBytes));
    }
  });

  it("reads the same in shards", async () => {
    const joined = await joinSplit(
      "tiny.gguf",
      PARTS.map((part) => memorySource(part)),
    );
    expect(await joined.shard(0)).toEqual(await joined.read(0, SHARD_BYTES));
    expect((await joined.shard(0)).length).toBe(joined.sizeBytes);
    expect(await joined.read(joined.sizeBytes - 1, 10)).toHaveLength(1);
  });

  it("is refused with a part missing, and with one of another model", async () => {
    const missing = joinSplit(
      "tiny.gguf",
      [PARTS[0]!, PARTS[2]!].map((part) => memorySource(part)),
    );
    await expect(missing).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("part 2 is not among") });
    const twice = joinSplit(
      "tiny.gguf",
      [...PARTS, PARTS[1]!].map((part) => memorySource(part)),
    );
    await expect(twice).rejects.toMatchObject({ code: "bad_file", hint: expect.stringContaining("all files") });
  });

  it("may have a first part without tensors", async () => {
    const joined = await joinSplit(
      "tiny.gguf",
      (await splitGguf(WHOLE, 3, { firstWithoutTensors: true })).map((part) => memorySource(part)),
    );
    expect([...(await readGguf(joined)).tensors.keys()]).toEqual([...(await readGguf(memorySource(WHOLE))).tensors.keys()]);
  });
});
