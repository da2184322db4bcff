// PyTorch files as PyTorch wrote them (tests/golden/published/make.py): every tensor comes back, and nothing is run.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { readTorch } from "../../../../workers/engine/checkpoint/formats/torch.ts";
import type { StoredTensor } from "../../../../workers/engine/checkpoint/formats/stored.ts";
import { join as joined, utf8 } from "../../../golden/publish/bytes.ts";
import { global, pickled, pickledStateDict, text } from "../../../golden/publish/pickle.ts";
import { torchArchive, torchZip } from "../../../golden/publish/torch.ts";
import { fileSource, memorySource } from "../../../golden/sources.ts";

const PUBLISHED = join(import.meta.dirname, "../../../golden/published");

interface Expected {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const expected = JSON.parse(readFileSync(join(PUBLISHED, "expected.json"), "utf8")) as Record<string, Record<string, Expected>>;

describe("a PyTorch file", () => {
  const files = Object.keys(expected).flatMap((name) => (name === "protocol4" ? [name] : [name, `${name}.legacy`]));
  it.each(files)("%s.pth gives its tensors, to the last bit", async (name) => {
    const { tensors } = await readTorch(fileSource(join(PUBLISHED, `${name}.pth`)));
    const wanted = expected[name.replace(".legacy", "")]!;
    expect([...tensors.keys()].sort()).toEqual(Object.keys(wanted).sort());
    for (const [key, { shape, values }] of Object.entries(wanted)) {
      const tensor = tensors.get(key)!;
      expect(tensor.extents).toEqual(shape);
      expect([...(await all(tensor))]).toEqual(values);
    }
  });

  it("gives any rows of a view, one at a time too", async () => {
    const { tensors } = await readTorch(fileSource(join(PUBLISHED, "plain.pth")));
    for (const key of ["single", "turned", "columns", "rows"]) {
      const tensor = tensors.get(key)!;
      const rows = await Promise.all(Array.from({ length: tensor.rows }, (_, row) => tensor.read(row, 1)));
      expect(rows.flatMap((row) => [...row])).toEqual(expected["plain"]![key]!.values);
    }
  });

  it("is read by ranges: a tensor costs its own bytes", async () => {
    const weights = { extents: [1000, 1000], values: new Float32Array(1_000_000) };
    let bytes = 0;
    const source = memorySource(torchZip(new Map([["a", weights], ["b", weights]]))); // prettier-ignore
    const counting: ByteSource = {
      ...source,
      read: async (offset, length) => {
        bytes += length;
        return source.read(offset, length);
      },
    };
    const { tensors } = await readTorch(counting);
    expect(bytes).toBeLessThan(100_000); // the end of the archive, the directory, the pickle
    await tensors.get("b")!.read(500, 10);
    expect(bytes).toBeLessThan(100_000 + 10 * 4000 + 100);
  });

  it("has its sizes in 64 bits where it is larger than 4 GiB", async () => {
    const weights = new Map([["a", { extents: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) }]]);
    const { tensors } = await readTorch(memorySource(torchZip(weights, { zip64: true, type: "BF16", wrapper: "state_dict" })));
    expect([...(await all(tensors.get("a")!))]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("a pickle that asks for more than tensors", () => {
  it("is refused by name, unread", async () => {
    const refusal = /asks for "(posix|nt)\.system", which is no tensor/;
    await expect(readTorch(fileSource(join(PUBLISHED, "evil.pth")))).rejects.toThrow(refusal);
  });

  it.each([
    ["builtins", "eval"],
    ["builtins", "getattr"],
    ["torch", "load"],
    ["torch.storage", "_load_from_bytes"],
    ["numpy.core.multiarray", "_reconstruct"],
    ["collections", "OrderedDict.fromkeys"],
  ])("does not know %s.%s", async (module, name) => {
    const call = joined(global(module, name), utf8("("), text("1"), utf8("tR"));
    const refused = readTorch(memorySource(torchArchive(pickled(call), new Map())));
    await expect(refused).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining(`${module}.${name}`) });
  });

  it("is refused in 64-bit floats, whose weights would be cut", async () => {
    await expect(readTorch(fileSource(join(PUBLISHED, "double.pth")))).rejects.toMatchObject({ code: "unsupported_tensor" });
  });
});

describe("a tensor that claims more than its storage", () => {
  const one = new Uint8Array(64);
  it.each([
    ["reaches behind it", { offset: 8, extents: [3, 3], strides: [3, 1] }],
    ["steps over its end", { offset: 0, extents: [4, 2], strides: [5, 2] }],
    ["repeats one element a billion times", { offset: 0, extents: [32768, 32768], strides: [0, 0] }],
    ["has more strides than extents", { offset: 0, extents: [4], strides: [4, 1] }],
  ])("is damaged where it %s", async (_, view) => {
    const tensor = { key: "0", type: "F32", elements: 16, ...view } as const;
    const archive = torchArchive(pickledStateDict(new Map([["w", tensor]])), new Map([["0", one]]));
    await expect(readTorch(memorySource(archive))).rejects.toMatchObject({ code: "bad_file" });
  });

  it("is damaged where the storage is shorter than the pickle says", async () => {
    const tensor = { key: "0", type: "F32", elements: 17, offset: 0, extents: [16], strides: [1] } as const;
    const archive = torchArchive(pickledStateDict(new Map([["w", tensor]])), new Map([["0", one]]));
    await expect(readTorch(memorySource(archive))).rejects.toMatchObject({ code: "bad_file" });
  });
});

function all(tensor: StoredTensor): Promise<Float32Array> {
  return tensor.read(0, tensor.rows);
}
