// The Prompt API's shape over a model whose every word is written beforehand.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { languageModel } from "../../../web/api/prompt-api.ts";
import type { CreateOptions, PromptSession } from "../../../web/api/prompt-types.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import type { ChatRequest } from "../../../workers/engine/base/openai.ts";
import type { LoadOptions } from "../../../workers/engine/base/cria.ts";

let asked: ChatRequest[];
let unloaded: number;
let storedBytes: number;
let load: (options: LoadOptions) => Promise<unknown>;
/** What the next requests fail with. */
let failures: EngineError[];
/** Called between two pieces of an answer. */
let between: () => Promise<void>;

/** Says the number of messages it was given, in two pieces. */
async function* answer(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<object> {
  for (const content of ["heard ", String(request.messages.length)]) {
    if (signal?.aborted) return;
    yield { choices: [{ delta: { content } }] };
    await between();
  }
  yield { choices: [{ delta: {} }], usage: { total_tokens: 40 } };
}

const cria = {
  info: { contextLength: 100 },
  tokenize: (text: string) => Promise.resolve(text.split(" ")),
  unload: () => Promise.resolve(void unloaded++),
  chat: {
    completions: {
      create: (request: ChatRequest, { signal }: { signal?: AbortSignal } = {}) => {
        asked.push(request);
        const failure = failures.shift();
        return failure ? Promise.reject(failure) : Promise.resolve(answer(request, signal));
      },
    },
  },
};

vi.mock("../../../workers/client/client.ts", () => ({
  load: (options: LoadOptions) => load(options),
  preview: (model: string) =>
    model === "none" ? Promise.reject(new EngineError("not_found", "None.")) : Promise.resolve({ sizeBytes: 10, storedBytes }),
}));

beforeEach(() => {
  asked = [];
  failures = [];
  unloaded = 0;
  storedBytes = 10;
  load = () => Promise.resolve(cria);
  between = () => Promise.resolve();
});

const LanguageModel = languageModel({ model: "tiny" });
const create = (options?: CreateOptions): Promise<PromptSession> => LanguageModel.create(options);
const SYSTEM = [{ role: "system", content: "Be brief." }] as const;

describe("availability", () => {
  it("says what is stored", async () => {
    expect(await LanguageModel.availability()).toBe("available");
    storedBytes = 3;
    expect(await LanguageModel.availability()).toBe("downloadable");
    expect(await languageModel({ model: "none" }).availability()).toBe("unavailable");
    expect(await LanguageModel.availability({ expectedInputs: [{ type: "audio" }] })).toBe("unavailable");
  });

  it("says that it is downloading, and tells how far", async () => {
    let arrive: () => void = () => undefined;
    load = ({ onProgress }) => {
      onProgress!({ phase: "download", doneBytes: 1, totalBytes: 4, bytesPerSecond: 0 });
      return new Promise((resolve) => (arrive = () => resolve(cria)));
    };
    const heard: number[] = [];
    const creating = create({
      monitor: (monitor) => monitor.addEventListener("downloadprogress", (event) => heard.push(Object(event).loaded)),
    });
    expect(await LanguageModel.availability()).toBe("downloading");
    arrive();
    await creating;
    expect(heard).toEqual([0, 0.25, 1]);
  });
});

describe("a session", () => {
  it("answers, and remembers", async () => {
    const session = await create({ initialPrompts: SYSTEM });
    expect(await session.prompt("One")).toBe("heard 2");
    expect(await session.prompt([{ role: "user", content: [{ type: "text", value: "Two" }] }])).toBe("heard 4");
    expect(asked[1]!.messages).toEqual([
      ...SYSTEM,
      { role: "user", content: "One" },
      { role: "assistant", content: "heard 2" },
      { role: "user", content: "Two" },
    ]);
  });

  it("streams pieces", async () => {
    const pieces: string[] = [];
    const reader = (await create()).promptStreaming("One").getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
    expect(pieces).toEqual(["heard ", "1"]);
  });

  it("takes what is appended", async () => {
    const session = await create();
    await session.append([{ role: "user", content: "My name is Ada." }]);
    expect(await session.prompt("Who am I?")).toBe("heard 2");
  });

  it("counts tokens: estimated before an answer, exact after it", async () => {
    const session = await create({ initialPrompts: SYSTEM });
    expect([session.contextWindow, session.inputQuota, session.contextUsage]).toEqual([100, 100, 10]);
    expect(await session.measureContextUsage("a b c")).toBe(11);
    await session.prompt("One");
    expect([session.contextUsage, session.inputUsage]).toEqual([40, 40]);
  });

  it("answers one after the other", async () => {
    const session = await create();
    expect(await Promise.all([session.prompt("One"), session.prompt("Two")])).toEqual(["heard 1", "heard 3"]);
  });

  it("is cloned: both go on apart, and the model is freed with the last", async () => {
    const session = await create();
    await session.prompt("One");
    const copy = await session.clone();
    await session.prompt("Two");
    expect(await copy.prompt("Three")).toBe("heard 3");
    session.destroy();
    expect(unloaded).toBe(0);
    copy.destroy();
    copy.destroy();
    expect(unloaded).toBe(1);
    await expect(copy.prompt("Four")).rejects.toMatchObject({ name: "InvalidStateError" });
  });

  it("holds answers to a schema or a pattern", async () => {
    const session = await create({ samplingMode: "most-predictable" });
    await session.prompt("One", { responseConstraint: { type: "object" } });
    await session.prompt("Two", { responseConstraint: /yes|no/ });
    expect(asked.map(({ response_format }) => response_format)).toEqual([
      { type: "json_schema", json_schema: { schema: { type: "object" } } },
      { type: "regex", pattern: "yes|no" },
    ]);
    expect(asked[0]!.temperature).toBe(0);
  });

  it("leaves out the oldest turns where there is no room, says so, and keeps the system's words", async () => {
    const full = new EngineError("context_full", "Too long.");
    const session = await create({ initialPrompts: SYSTEM, temperature: 0.5, topK: 3 });
    await session.prompt("One");
    await session.prompt("Two");
    let overflows = 0;
    session.oncontextoverflow = () => overflows++;
    failures = [full];
    expect(await session.prompt("Three")).toBe("heard 4");
    expect(asked.at(-1)!.messages.map(({ content }) => content)).toEqual(["Be brief.", "Two", "heard 4", "Three"]);
    expect([overflows, asked[0]!.temperature, asked[0]!.top_k]).toEqual([1, 0.5, 3]);
    failures = [full, full, full];
    await expect(session.prompt("Four")).rejects.toMatchObject({ name: "QuotaExceededError" });
  });

  it("is stopped by a signal, and by leaving the stream; what was not said whole is forgotten", async () => {
    const session = await create();
    const controller = new AbortController();
    between = () => Promise.resolve(controller.abort());
    await expect(session.prompt("One", { signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
    between = () => Promise.resolve();
    const reader = session.promptStreaming("Two").getReader();
    await reader.read();
    await reader.cancel();
    expect(await session.prompt("Three")).toBe("heard 1");
  });

  it("ends what it is saying when it is destroyed", async () => {
    const session = await create();
    between = () => Promise.resolve(session.destroy());
    await expect(session.prompt("One")).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("refusals", () => {
  it.each([
    [
      "a picture",
      (session: PromptSession) => session.prompt([{ role: "user", content: [{ type: "image", value: "" }] } as never]),
    ],
    ["a system prompt in the middle", (session: PromptSession) => session.prompt([...SYSTEM])],
    [
      "a beginning of an answer",
      (session: PromptSession) => session.prompt([{ role: "assistant", content: "", prefix: true } as never]),
    ],
    ["flags of a pattern", (session: PromptSession) => session.prompt("One", { responseConstraint: /yes/i })],
  ])("%s", async (_, ask) => {
    await expect(ask(await create())).rejects.toMatchObject({ name: "NotSupportedError" });
    expect(asked).toEqual([]);
  });

  it("both ways to say how it samples, and tools", async () => {
    await expect(create({ samplingMode: "creative", topK: 3 })).rejects.toBeInstanceOf(TypeError);
    await expect(create({ tools: [] } as never)).rejects.toMatchObject({ name: "NotSupportedError" });
  });

  it("a creation that is stopped", async () => {
    await expect(create({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });
});
