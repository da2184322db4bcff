import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../../../workers/engine/api.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import type { Host } from "../../../workers/engine/base/host.ts";
import type { Completion } from "../../../workers/engine/base/openai.ts";
import type { FoundModel, Library } from "../../../workers/engine/library.ts";
import type { LoadProgress, Reply, StreamMessage, WorkerApi } from "../../../workers/engine/base/wire.ts";
import { text } from "../../golden/gguf-writer.ts";
import { memorySource } from "../../golden/sources.ts";
import { SAYING, TinyBackend, tinyGguf } from "./tiny.ts";

let backends: TinyBackend[];
let marks: string[];

vi.mock("../../../workers/engine/cpu/open.ts", () => ({
  openCpu: (_host: Host, _model: unknown, contextLength: number | null) => {
    const backend = new TinyBackend(contextLength ?? 64);
    backends.push(backend);
    return Promise.resolve(backend);
  },
}));

const HOST: Host = {
  gpu: null,
  cores: 1,
  memoryBytes: null,
  isolated: false,
  now: () => performance.now(),
  kernelFile: () => Promise.reject(new Error("not here")),
  startThread: () => {
    throw new Error("not here");
  },
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
  recall: () => Promise.resolve(null),
  remember: () => Promise.resolve(),
};

const FILES: Record<string, Uint8Array<ArrayBuffer>> = {
  tiny: tinyGguf(),
  other: tinyGguf({ "general.name": text("Other") }),
  bird: tinyGguf({ "general.architecture": text("falcon") }),
  page: new TextEncoder().encode("<!doctype html><title>Sign in first</title>"),
};

function found(id: string, overrides: Partial<FoundModel> = {}): FoundModel {
  return {
    id,
    name: null,
    source: memorySource(FILES[id]!),
    defaults: null,
    download: null,
    refuseAfterCrashes: () => Promise.resolve(),
    markWork: () => {
      marks.push(`begin ${id}`);
      return Promise.resolve(() => Promise.resolve(void marks.push(`end ${id}`)));
    },
    ...overrides,
  };
}

function libraryOf(find: Library["find"]): Library {
  const empty = () => Promise.resolve([]);
  const nothing = () => Promise.resolve();
  const preview = () => Promise.reject(new Error("not here"));
  return { find, preview, adapterFiles: empty, catalogue: empty, stored: empty, remove: nothing, removeEverything: nothing };
}

const LIBRARY = libraryOf((source) => Promise.resolve(found(String(source))));
const SILENT = { postMessage: () => undefined };
const ASK = { messages: [{ role: "user", content: "Hum" }], temperature: 0 } as const;

let lastJob = 0;

async function value<T>(reply: Promise<Reply<T>>): Promise<T> {
  const outcome = await reply;
  if ("error" in outcome) throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return outcome.value;
}

async function code(reply: Promise<Reply<unknown>>): Promise<string> {
  const outcome = await reply;
  return "error" in outcome ? outcome.error.code : "no error";
}

async function loaded(api: WorkerApi, model = "tiny", contextLength: number | null = null): Promise<number> {
  return (await value(api.load(++lastJob, { model, backend: "auto", contextLength, afterCrashes: false }, SILENT))).model;
}

/** A stream's messages as they come, and a promise of its end. */
function listen(): {
  messages: StreamMessage<Completion>[];
  texts: () => string[];
  ended: Promise<void>;
  postMessage: (message: StreamMessage<Completion>) => void;
} {
  const messages: StreamMessage<Completion>[] = [];
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const texts = () =>
    messages.flatMap((message) => ("pieces" in message ? message.pieces.map((piece) => piece.choices[0].text) : []));
  const postMessage = (message: StreamMessage<Completion>): void => {
    messages.push(message);
    if (!("pieces" in message)) end();
  };
  return { messages, texts, ended, postMessage };
}

beforeEach(() => {
  backends = [];
  marks = [];
});

describe("loading", () => {
  it("tells what was loaded, and where it runs and why", async () => {
    const api = createApi(HOST, LIBRARY);
    const { info } = await value(api.load(1, { model: "tiny", backend: "auto", contextLength: 32, afterCrashes: false }, SILENT));
    expect(info).toMatchObject({
      id: "tiny",
      name: "Tiny",
      quantization: "F32",
      backend: "wasm",
      contextLength: 32,
      shape: { layers: 1, dim: 32 },
    });
    expect(info.reason).toContain("no WebGPU");
    expect(info.parameters).toBe(weights());
  });

  it("reports phases in order, each up to its end", async () => {
    const heard: LoadProgress[] = [];
    await value(
      createApi(HOST, LIBRARY).load(
        1,
        { model: "tiny", backend: "wasm", contextLength: null, afterCrashes: false },
        { postMessage: (progress) => heard.push(progress) },
      ),
    );
    expect([...new Set(heard.map(({ phase }) => phase))]).toEqual(["header", "load", "prepare"]);
    const load = heard.filter(({ phase }) => phase === "load").at(-1)!;
    expect(load.doneBytes).toBe(load.totalBytes);
  });

  it("names the architecture it cannot run", async () => {
    const outcome = await createApi(HOST, LIBRARY).load(
      1,
      { model: "bird", backend: "auto", contextLength: null, afterCrashes: false },
      SILENT,
    );
    expect(outcome).toMatchObject({ error: { code: "unsupported_architecture", message: expect.stringContaining("falcon") } });
  });

  it("keeps the model that is there when the next one cannot be read, and frees it when it can", async () => {
    const api = createApi(HOST, LIBRARY);
    const tiny = await loaded(api);
    expect(
      await code(api.load(++lastJob, { model: "page", backend: "auto", contextLength: null, afterCrashes: false }, SILENT)),
    ).toBe("not_gguf");
    expect((await value(api.chat(tiny, ++lastJob, ASK))).choices[0].message.content).toBe(SAYING);
    const other = await loaded(api, "other");
    expect(backends.map(({ disposed }) => disposed)).toEqual([true, false]);
    expect(await code(api.chat(tiny, ++lastJob, ASK))).toBe("disposed");
    expect((await value(api.chat(other, ++lastJob, ASK))).choices[0].message.content).toBe(SAYING);
  });

  it("frees what it took when it is stopped, and can begin again", async () => {
    let reading: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (reading = resolve));
    const slow: FoundModel = found("tiny", {
      source: {
        ...memorySource(FILES["tiny"]!),
        shard: (_, signal) => {
          reading();
          return new Promise((_, reject) =>
            signal!.addEventListener("abort", () => reject(new DOMException("Stopped.", "AbortError"))),
          );
        },
      },
    });
    const models = [slow, found("tiny")];
    const api = createApi(
      HOST,
      libraryOf(() => Promise.resolve(models.shift()!)),
    );
    const first = api.load(1, { model: "tiny", backend: "wasm", contextLength: null, afterCrashes: false }, SILENT);
    await begun;
    await api.stop(1);
    expect(await code(first)).toBe("aborted");
    expect(backends[0]!.disposed).toBe(true);
    expect(marks).toEqual(["begin tiny", "end tiny"]);
    await loaded(api);
  });

  it("reads the file again after a download, which may have brought another one", async () => {
    const sources = [memorySource(FILES["tiny"]!), memorySource(FILES["other"]!)];
    let at = 0;
    const model: FoundModel = {
      ...found("tiny"),
      download: () => Promise.resolve(void at++),
      get source() {
        return sources[at]!;
      },
    };
    const { info } = await value(
      createApi(
        HOST,
        libraryOf(() => Promise.resolve(model)),
      ).load(1, { model: "tiny", backend: "wasm", contextLength: null, afterCrashes: false }, SILENT),
    );
    expect(info.name).toBe("Other");
  });
});

describe("deleting everything", () => {
  it("ends what is loading, frees the model and empties the store", async () => {
    let emptied = 0;
    let downloading: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (downloading = resolve));
    const download = (signal: AbortSignal): Promise<void> => {
      downloading();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new DOMException("Stopped.", "AbortError"))),
      );
    };
    const stuck = found("tiny", { download });
    const models = [found("tiny"), stuck];
    const library = {
      ...libraryOf(() => Promise.resolve(models.shift()!)),
      removeEverything: () => Promise.resolve(void emptied++),
    };
    const api = createApi(HOST, library);
    await loaded(api);
    const second = api.load(++lastJob, { model: "tiny", backend: "wasm", contextLength: null, afterCrashes: false }, SILENT);
    await begun;
    await value(api.deleteEverything());
    expect(await code(second)).toBe("aborted");
    expect([backends[0]!.disposed, backends.length, emptied]).toEqual([true, 1, 1]);
  });
});

describe("a model that took the tab down twice", () => {
  const risky = found("tiny", { refuseAfterCrashes: () => Promise.reject(new EngineError("crashed_before", "It died.")) });
  const load = (afterCrashes: boolean) =>
    createApi(
      HOST,
      libraryOf(() => Promise.resolve(risky)),
    ).load(1, { model: "tiny", backend: "wasm", contextLength: null, afterCrashes }, SILENT);

  it("is loaded only on request", async () => {
    expect(await code(load(false))).toBe("crashed_before");
    expect(backends).toHaveLength(0);
    expect(await code(load(true))).toBe("no error");
  });
});

describe("requests", () => {
  it("are answered whole", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    const answer = await value(api.complete(model, ++lastJob, { prompt: "Hm", temperature: 0, echo: true }));
    expect(answer.choices[0]).toMatchObject({ text: `Hm${SAYING}`, finish_reason: "stop", stop_type: "eos" });
    expect(answer.usage).toEqual({
      prompt_tokens: 2,
      completion_tokens: 4,
      total_tokens: 6,
      prompt_tokens_details: { cached_tokens: 0 },
    });
    expect(marks).toEqual(["begin tiny", "end tiny", "begin tiny", "end tiny"]);
  });

  it("wait for one another and all get their answer", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    const streams = [listen(), listen(), listen()];
    for (const stream of streams)
      await value(api.streamCompletion(model, ++lastJob, { prompt: "Hm", temperature: 0, stream: true }, stream));
    await Promise.all(streams.map(({ ended }) => ended));
    expect(streams.map(({ texts }) => texts().join(""))).toEqual([SAYING, SAYING, SAYING]);
  });

  it("are refused before they wait", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api, "tiny", 16);
    expect(await code(api.streamCompletion(model, ++lastJob, { prompt: "x", top_p: 3 }, listen()))).toBe("bad_request");
    expect(await code(api.complete(model, ++lastJob, { prompt: "" }))).toBe("bad_request");
    expect(await code(api.complete(model, ++lastJob, { prompt: "x".repeat(16) }))).toBe("context_full");
    expect(await code(api.detokenize(model, [1e6]))).toBe("bad_request");
  });

  it("say when the context ends the answer", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api, "tiny", 4);
    const answer = await value(api.complete(model, ++lastJob, { prompt: "Hm", temperature: 0 }));
    expect(answer.choices[0]).toMatchObject({ text: "The llama", finish_reason: "length", stop_type: "context_full" });
  });

  it("go on to max_tokens where the end is to be ignored", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    const answer = await value(api.complete(model, ++lastJob, { prompt: "Hm", temperature: 0, max_tokens: 9, ignore_eos: true }));
    expect(answer.usage!.completion_tokens).toBe(9); // the model is done after 4
    expect(answer.choices[0].stop_type).toBe("limit");
  });

  it("score a prompt: nothing predicts its first token", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    const { logprobs } = (
      await value(api.complete(model, ++lastJob, { prompt: "HmThe", max_tokens: 0, echo: true, logprobs: 1 }))
    ).choices[0];
    expect(logprobs!.tokens).toEqual(["H", "m", "T", "h", "e"]);
    expect(logprobs!.top_logprobs[1]).toHaveProperty("The");
    expect(logprobs!.token_logprobs[0]).toBeNull();
    // After any byte the tiny model expects "The", logit 10 among zeros.
    const norm = Math.log(Math.exp(10) + 261);
    expect(logprobs!.token_logprobs[1]).toBeCloseTo(-norm, 4);
  });

  it("end between two tokens when they are stopped, and let the next one in", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    const stream = listen();
    const job = ++lastJob;
    backends[0]!.beforeForward = async () => {
      if (stream.texts().includes(" llama")) await api.stop(job);
    };
    await value(api.streamCompletion(model, job, { prompt: "Hm", temperature: 0, stream: true }, stream));
    const next = api.chat(model, ++lastJob, ASK);
    await stream.ended;
    expect(stream.texts()).toEqual(["The", " llama", ""]);
    expect(stream.messages.at(-2)).toMatchObject({ pieces: [{ choices: [{ stop_type: "stopped" }] }] });
    expect((await value(next)).choices[0].message.content).toBe(SAYING);
  });

  it("that wait leave the queue when they are stopped", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    const [first, second] = [listen(), listen()];
    const jobs = [++lastJob, ++lastJob] as const;
    await value(api.streamCompletion(model, jobs[0], { prompt: "Hm", temperature: 0 }, first));
    await value(api.streamCompletion(model, jobs[1], { prompt: "Hm", temperature: 0 }, second));
    await api.stop(jobs[1]);
    await Promise.all([first.ended, second.ended]);
    expect([first.texts().join(""), second.texts().join("")]).toEqual([SAYING, ""]);
  });

  it("end when the model is unloaded, whose memory is then free", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    const stream = listen();
    await value(api.streamCompletion(model, ++lastJob, { prompt: "Hm", temperature: 0 }, stream));
    await value(api.unload(model));
    await stream.ended;
    expect(backends[0]!.disposed).toBe(true);
    expect(await code(api.tokenize(model, "x", {}))).toBe("disposed");
    expect(await code(api.unload(model))).toBe("no error");
  });

  it("leave figures behind", async () => {
    const api = createApi(HOST, LIBRARY);
    const model = await loaded(api);
    await value(api.complete(model, ++lastJob, { prompt: "Hm!", temperature: 0 }));
    await value(api.complete(model, ++lastJob, { prompt: "Hm!", temperature: 0 }));
    const stats = await value(api.stats(model));
    expect(stats).toMatchObject({ prefill: { tokens: 3, cachedTokens: 2 }, decode: { tokens: 4 }, wasmBytes: 4096, gpuBytes: 0 });
    expect(stats.load.bytes).toBe(FILES["tiny"]!.length);
  });
});

/** Weights of the tiny model: embedding and head, attention, three products of the feed-forward part, three norms. */
function weights(): number {
  return 262 * 32 + 4 * 32 * 32 + 3 * 32 * 64 + 3 * 32;
}
