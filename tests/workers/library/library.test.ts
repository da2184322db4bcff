import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLibrary } from "../../../workers/library/library.ts";
import { tinyGguf } from "../engine/tiny.ts";

const APP = "https://cria.example/app/";
const ENTRY = {
  id: "tiny",
  name: "Tiny Instruct",
  urls: ["models/tiny.gguf", "https://hub.example/tiny.gguf"],
  sizeBytes: 123,
  sha256: null,
  quantization: "F32",
  parameters: 7,
  licence: "MIT",
  homepage: "https://hub.example/tiny",
  defaults: { system: "", sampling: { temperature: 0.2 } },
  variants: [{ quantization: "Q8_0", urls: ["https://hub.example/tiny.Q8_0.gguf"], sizeBytes: 45, sha256: null }],
  use: "chat",
  contextLength: 128,
  prompt: null,
  confirmed: true,
  advice: null,
};

let files: Record<string, Uint8Array<ArrayBuffer> | string>;
let asked: string[];

/** Serves `files` by ranges. */
function respond(url: string | URL, init?: RequestInit): Promise<Response> {
  const address = String(url);
  asked.push(address);
  const file = files[address];
  if (file === undefined) return Promise.resolve(new Response(null, { status: 404 }));
  if (typeof file === "string") return Promise.resolve(new Response(file));
  const [, from, to] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get("Range") ?? "bytes=0-999999999")!;
  const body = file.slice(Number(from), Number(to) + 1);
  const headers = { "Content-Range": `bytes ${from}-${Number(from) + body.length - 1}/${file.length}` };
  return Promise.resolve(new Response(body, { status: 206, headers }));
}

beforeEach(() => {
  asked = [];
  files = {
    [`${APP}catalogue.json`]: JSON.stringify([ENTRY]),
    [`${APP}models/tiny.gguf`]: tinyGguf(),
    "https://huggingface.co/me/tiny/resolve/main/tiny.gguf": tinyGguf(),
  };
  vi.stubGlobal("fetch", respond);
  vi.stubGlobal("navigator", { onLine: true, storage: { estimate: () => Promise.resolve({ quota: 1000, usage: 400 }) } });
});

afterEach(() => vi.unstubAllGlobals());

describe("the library of models", () => {
  it("offers the catalogue, with addresses of the app's own folder", async () => {
    const [entry] = await createLibrary(APP).catalogue();
    expect(entry).toEqual({ ...ENTRY, urls: [`${APP}models/tiny.gguf`, "https://hub.example/tiny.gguf"] });
  });

  it("reads the catalogue once, and again after a failure", async () => {
    const library = createLibrary(APP);
    const catalogue = files[`${APP}catalogue.json`]!;
    files[`${APP}catalogue.json`] = JSON.stringify([{ id: "half an entry" }]);
    await expect(library.catalogue()).rejects.toMatchObject({ code: "network" });
    files[`${APP}catalogue.json`] = catalogue;
    await library.catalogue();
    await library.catalogue();
    expect(asked).toHaveLength(2);
  });

  it("describes a model of the catalogue without touching its file", async () => {
    const preview = await createLibrary(APP).preview("tiny");
    expect(preview).toMatchObject({
      id: "tiny",
      name: "Tiny Instruct",
      sizeBytes: 123,
      storedBytes: 0,
      freeBytes: 600,
      crashes: 0,
      defaults: ENTRY.defaults,
    });
    expect(asked).toEqual([`${APP}catalogue.json`]);
  });

  it("knows the other quantizations of a model", async () => {
    const preview = await createLibrary(APP).preview("tiny:Q8_0");
    expect(preview).toMatchObject({ id: "tiny:Q8_0", name: "Tiny Instruct", sizeBytes: 45 });
    await expect(createLibrary(APP).find("tiny:Q2_K", {})).rejects.toMatchObject({ code: "not_found" });
  });

  it("says how to bring a model that no public page is known to have", async () => {
    const advice = "Convert your copy, and open the file.";
    files[`${APP}catalogue.json`] = JSON.stringify([{ ...ENTRY, urls: [], confirmed: false, advice }]);
    await expect(createLibrary(APP).preview("tiny")).rejects.toMatchObject({ code: "not_found", hint: advice });
  });

  it("finds the file of a page on the hub, and what model is in it", async () => {
    const preview = await createLibrary(APP).preview("https://huggingface.co/me/tiny/blob/main/tiny.gguf");
    expect(preview).toMatchObject({ name: "Tiny", sizeBytes: tinyGguf().length, defaults: null });
    expect(asked).not.toContain(`${APP}catalogue.json`);
  });

  it("refuses a file on disk that is no model before it is loaded", async () => {
    const picture = new File([new Uint8Array(64).fill(137)], "cat.png");
    await expect(createLibrary(APP).preview(picture)).rejects.toMatchObject({ code: "not_gguf" });
  });

  it("names what there is where it does not know a model", async () => {
    const unknown = createLibrary(APP).find("huge", {});
    await expect(unknown).rejects.toMatchObject({ code: "not_found", hint: expect.stringContaining("tiny") });
  });

  it("has nothing to download of a file on disk", async () => {
    const found = await createLibrary(APP).find(new File([tinyGguf()], "tiny.gguf"), {});
    expect([found.download, found.source.name, found.defaults]).toEqual([null, "tiny.gguf", null]);
  });
});
