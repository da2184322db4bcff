// A server of one's own: off until it is turned on, kept, and closed when it is turned off.
import { beforeEach, describe, expect, it } from "vitest";
import { serverBase } from "../../../web/lib/server-address.ts";
import { OwnServer } from "../../../web/state/own-server.svelte.ts";
import { Settings } from "../../../web/state/settings.svelte.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import type { ChatRequest } from "../../../workers/engine/base/openai.ts";

describe("an address", () => {
  it.each([
    ["localhost:8080", "http://localhost:8080/v1"],
    ["http://192.168.1.5:11434/", "http://192.168.1.5:11434/v1"],
    ["example.org/llm/v1/", "https://example.org/llm/v1"],
    ["https://example.org", "https://example.org/v1"],
  ])("%s is %s", (text, base) => expect(serverBase(text)).toBe(base));

  it.each(["", "ftp://x", "https://name:secret@example.org"])("“%s” is refused", (text) =>
    expect(() => serverBase(text)).toThrow(EngineError),
  );
});

let kept: Map<string, string>;
let opened: unknown[];
let closed: number;
let asked: ChatRequest[];
let models: string[];

beforeEach(() => {
  kept = new Map();
  opened = [];
  closed = 0;
  asked = [];
  models = ["large", "small"];
});

const make = (): OwnServer =>
  new OwnServer(
    (access) => {
      opened.push(access);
      return Promise.resolve({
        models: () => Promise.resolve(models),
        chat: (request) => (asked.push(request), Promise.resolve((async function* () {})())),
        close: () => Promise.resolve(void closed++),
      });
    },
    {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
  );

describe("a server of one's own", () => {
  it("is not reached before it is turned on, nor after it is turned off", async () => {
    const server = make();
    expect([server.on, opened]).toEqual([false, []]);
    await server.turnOn("localhost:8080", " key ");
    expect([server.on, server.host, server.models]).toEqual([true, "localhost:8080", ["large", "small"]]);
    expect(opened).toEqual([{ base: "http://localhost:8080/v1", key: "key" }]);
    await server.turnOff();
    expect([server.on, closed]).toEqual([false, 1]);
  });

  it("is found on by the next visit, with its model, and forgotten when everything is", async () => {
    const server = make();
    await server.turnOn("localhost:8080", "");
    server.choose("small");
    expect(make().kept).toEqual({ on: true, address: "http://localhost:8080/v1", key: "", model: "small" });
    await server.forget();
    expect([make().on, kept.size]).toEqual([false, 0]);
  });

  it("stays off where it offers nothing, and says why", async () => {
    models = [];
    const server = make();
    await server.turnOn("localhost:8080", "");
    expect([server.on, server.error?.code, closed]).toEqual([false, "not_found", 1]);
  });

  it("is sent what the person set, and none of what suits the model in this device", async () => {
    const server = make();
    await server.turnOn("localhost:8080", "");
    const settings = new Settings(null);
    settings.recommended = { system: "For SmolLM.", sampling: { temperature: 0.2 } };
    const messages = [{ role: "user", content: "Hello" }] as const;
    await server.answer(messages, settings, new AbortController().signal);
    settings.set({ system: "Be brief.", temperature: 0.5 });
    await server.answer(messages, settings, new AbortController().signal);
    expect(asked).toEqual([
      { model: "large", messages },
      { model: "large", messages: [{ role: "system", content: "Be brief." }, ...messages], temperature: 0.5 },
    ]);
  });
});
