// Addresses on a hub, names of files, and what a repository offers.
import { describe, expect, it } from "vitest";
import { chooseModel, modelsOf } from "../../../workers/library/hub-models.ts";
import { fileUrl, HUB, parseHubAddress } from "../../../workers/store/hub.ts";
import { partIn, partNames, partUrls, quantizationIn, wholeName } from "../../../workers/store/names.ts";

describe("an address on the hub", () => {
  const at = (repository: string, rest: object = {}): object => {
    return { hub: HUB, repository, revision: "main", path: null, quantization: null, ...rest };
  };
  it.each([
    ["me/tiny-GGUF", at("me/tiny-GGUF")],
    ["me/tiny-GGUF:Q4_K_M", at("me/tiny-GGUF", { quantization: "Q4_K_M" })],
    ["me/tiny@v1.0:q8_0", at("me/tiny", { revision: "v1.0", quantization: "q8_0" })],
    ["hf.co/me/tiny:Q8_0", at("me/tiny", { quantization: "Q8_0" })],
    ["huggingface.co/me/tiny", at("me/tiny")],
    ["https://huggingface.co/me/tiny?not-for-all-audiences=true", at("me/tiny")],
    ["https://huggingface.co/me/tiny/tree/main/sub", at("me/tiny")],
    ["https://huggingface.co/me/tiny/tree/refs%2Fpr%2F1", at("me/tiny", { revision: "refs/pr/1" })],
    ["https://huggingface.co/me/tiny/blob/v2/a%20b/tiny.gguf", at("me/tiny", { revision: "v2", path: "a b/tiny.gguf" })],
    ["https://huggingface.co/me/tiny/resolve/main/tiny.gguf?download=true", at("me/tiny", { path: "tiny.gguf" })],
  ])("%s is read", (text, address) => {
    expect(parseHubAddress(text)).toEqual(address);
  });

  it.each([
    "tiny",
    "tiny:Q8_0",
    "models/tiny.gguf",
    "https://a.example/me/tiny",
    "https://huggingface.co/spaces/me/tiny/x",
    "/me/tiny",
  ])("%s is none", (text) => expect(parseHubAddress(text)).toBeNull());

  it("may be of another hub", () => {
    const address = parseHubAddress("me/tiny", "http://localhost:1234/")!;
    expect(fileUrl(address, "refs/pr/1", "a b/c.gguf")).toBe("http://localhost:1234/me/tiny/resolve/refs%2Fpr%2F1/a%20b/c.gguf");
    expect(parseHubAddress("https://huggingface.co/me/tiny", "http://localhost:1234")).toBeNull();
  });
});

describe("the name of a file", () => {
  it.each([
    ["SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"],
    ["tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf", "Q4_K_M"],
    ["smollm2-360m-instruct-q8_0.gguf", "Q8_0"],
    ["Llama-3.2-1B-Instruct-UD-IQ2_XXS.gguf", "UD-IQ2_XXS"],
    ["model-BF16-00001-of-00002.gguf", "BF16"],
    ["ggml-model-f16.gguf", "F16"],
    ["Q4_K_M/model-00001-of-00002.gguf", "Q4_K_M"],
    ["model.gguf", null],
    ["Qwen2-7B.gguf", null],
  ])("%s says %s", (name, quantization) => expect(quantizationIn(name)).toBe(quantization));

  it("says which part of a model it is", () => {
    expect(partIn("a-00002-of-00003.gguf")).toEqual({ number: 2, count: 3 });
    expect(partIn("a-00004-of-00003.gguf")).toBeNull();
    expect(partNames("a-00002-of-00002.gguf")).toEqual(["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]);
    expect(partUrls("https://h/x/a-00002-of-00002.gguf?y=1")[0]).toBe("https://h/x/a-00001-of-00002.gguf?y=1");
    expect([wholeName("a-00002-of-00003.gguf"), wholeName("a.gguf")]).toEqual(["a.gguf", "a.gguf"]);
  });
});

describe("the models of a repository", () => {
  const file = (path: string, sizeBytes: number): { path: string; sizeBytes: number; sha256: null } => ({
    path,
    sizeBytes,
    sha256: null,
  });
  const files = [
    file("README.md", 1),
    file("m.Q8_0-00001-of-00002.gguf", 60),
    file("m.Q8_0-00002-of-00002.gguf", 40),
    file("m.Q4_0.gguf", 50),
    file("m.Q2_K-00001-of-00002.gguf", 5),
    file("mmproj-m-f16.gguf", 7),
  ];
  const models = modelsOf(files);

  it("are its GGUF files, parts put together, smallest first; projectors and halves are none", () => {
    expect(models.map(({ name, sizeBytes, files }) => [name, sizeBytes, files.length])).toEqual([
      ["m.Q4_0.gguf", 50, 1],
      ["m.Q8_0.gguf", 100, 2],
    ]);
  });

  it("are chosen by quantization, by any part's path, or as most people would", () => {
    const choose = (text: string): string => chooseModel(parseHubAddress(text)!, models).path;
    expect(choose("a/b:q8_0")).toBe("m.Q8_0-00001-of-00002.gguf");
    expect(choose("https://huggingface.co/a/b/blob/main/m.Q8_0-00002-of-00002.gguf")).toBe("m.Q8_0-00001-of-00002.gguf");
    expect(choose("a/b")).toBe("m.Q4_0.gguf");
    expect(() => choose("a/b:Q5_K_M")).toThrow(expect.objectContaining({ code: "not_found", hint: "It has: Q4_0, Q8_0." }));
    expect(() => chooseModel(parseHubAddress("a/b")!, [])).toThrow(/no GGUF files/);
  });
});
