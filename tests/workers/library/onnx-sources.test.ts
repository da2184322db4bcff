// Where the files of an ONNX model are: in a repository's list, or around a URL.
import { describe, expect, it } from "vitest";
import { onnxAround, onnxInRepository } from "../../../workers/library/onnx-sources.ts";
import type { HubAddress, HubRepository } from "../../../workers/store/hub.ts";

const ADDRESS: HubAddress = {
  hub: "https://hub.test",
  repository: "owner/Llama-ONNX",
  revision: "main",
  path: null,
  quantization: null,
};
const PATHS = [
  "README.md",
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "onnx/model.onnx",
  "onnx/model.onnx_data",
  "onnx/model_q4.onnx",
];
const REPOSITORY: HubRepository = {
  commit: "abc",
  gated: false,
  licence: null,
  files: PATHS.map((path) => ({ path, sizeBytes: 10, sha256: path.startsWith("onnx/") ? `hash of ${path}` : null })),
};

describe("the files of an ONNX model", () => {
  it("are taken from a repository at one commit, with their hashes", () => {
    const place = onnxInRepository(ADDRESS, REPOSITORY)!;
    expect(place.name).toBe("Llama-ONNX");
    expect(place.files[0]).toEqual({
      urls: ["https://hub.test/owner/Llama-ONNX/resolve/abc/onnx/model_q4.onnx"],
      sha256: "hash of onnx/model_q4.onnx",
    });
    expect(place.files.map(({ urls }) => urls[0]!.split("/").at(-1))).toEqual([
      "model_q4.onnx",
      "config.json",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const named = onnxInRepository({ ...ADDRESS, path: "onnx/model.onnx" }, REPOSITORY)!;
    expect(named.files.map(({ urls }) => urls[0]!.split("/").at(-1))).toContain("model.onnx_data");
    expect(onnxInRepository(ADDRESS, { ...REPOSITORY, files: [] })).toBeNull();
  });

  it("are looked for beside a graph and above it, by asking for each", async () => {
    const there = [
      "/m/small/onnx/model.onnx",
      "/m/small/onnx/model.onnx_data",
      "/m/small/config.json",
      "/m/small/tokenizer.json",
    ];
    const network = {
      stallMs: 1000,
      pauseMs: 0,
      fetch: (url: string) => {
        const found = there.includes(new URL(url).pathname);
        const headers = { "Content-Range": "bytes 0-0/10" };
        return Promise.resolve(new Response(found ? "x" : null, { status: found ? 206 : 404, headers: found ? headers : {} }));
      },
    };
    const { name, files } = await onnxAround("https://host.test/m/small/onnx/model.onnx", {
      network,
      token: null,
      signal: undefined,
    });
    expect(name).toBe("small");
    expect(files.map(({ urls }) => new URL(urls[0]!).pathname)).toEqual(there);
  });
});
