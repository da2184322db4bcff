// Where an adapter's files come from: the disk, addresses, PEFT's configuration beside its weights.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchAdapterFiles, openAdapterFiles } from "../../../workers/library/adapter-files.ts";

const FOLDER = "https://host.example/tales/";
const FILES: Readonly<Record<string, string>> = {
  [`${FOLDER}adapter_config.json`]: '{"r": 8}',
  [`${FOLDER}adapter_model.bin`]: "weights",
  [`${FOLDER}tales.gguf`]: "GGUF",
};

function respond(url: string | URL, init?: RequestInit): Promise<Response> {
  const file = FILES[String(url)];
  if (file === undefined) return Promise.resolve(new Response(null, { status: 404 }));
  const [, from, to] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get("Range") ?? "bytes=0-999")!;
  const body = file.slice(Number(from), Number(to) + 1);
  const headers = { "Content-Range": `bytes ${from}-${Number(from) + body.length - 1}/${file.length}` };
  return Promise.resolve(new Response(body, { status: 206, headers }));
}

beforeEach(() => {
  vi.stubGlobal("fetch", respond);
});
afterEach(() => vi.unstubAllGlobals());

async function namesOf(files: (string | File)[]): Promise<string[]> {
  return (await openAdapterFiles({ files }, undefined)).map(({ source }) => source.name);
}

describe("the files of an adapter", () => {
  it("are PEFT's weights and the configuration beside them, where the weights alone are named", async () => {
    expect(await namesOf([`${FOLDER}adapter_model.bin`])).toEqual(["adapter_model.bin", "adapter_config.json"]);
  });

  it("are those that were named, where the configuration is among them", async () => {
    const config = new File(["{}"], "adapter_config.json");
    expect(await namesOf([`${FOLDER}adapter_model.bin`, config])).toEqual(["adapter_model.bin", "adapter_config.json"]);
    expect(await namesOf([`${FOLDER}tales.gguf`])).toEqual(["tales.gguf"]);
  });

  it("come whole, to be kept", async () => {
    const files = await fetchAdapterFiles({ files: [`${FOLDER}adapter_model.bin`] }, new AbortController().signal);
    expect(await Promise.all(files.map((file) => file.text()))).toEqual(["weights", '{"r": 8}']);
  });

  it("are refused where there are none, and where a host lacks them", async () => {
    await expect(fetchAdapterFiles({ files: [] }, new AbortController().signal)).rejects.toMatchObject({ code: "bad_request" });
    await expect(namesOf([`${FOLDER}other.gguf`])).rejects.toMatchObject({ code: "not_found" });
  });
});
