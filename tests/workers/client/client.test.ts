import { expose } from "comlink";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ChatCompletionChunk } from "../../../workers/engine/base/openai.ts";
import type { LoadedModel, ModelInfo, Outlet, StreamMessage, WorkerApi } from "../../../workers/engine/base/wire.ts";
import { load, preview } from "../../../workers/client/client.ts";

type ChatOutlet = Outlet<StreamMessage<ChatCompletionChunk>>;

const INFO = { name: "Tiny" } as ModelInfo;
const LOADED: LoadedModel = {
  model: 1,
  info: INFO,
  request: { model: "tiny", backend: "auto", contextLength: null, afterCrashes: false },
  sinceMs: 0,
};
const ASK = { messages: [{ role: "user", content: "Hello" }], stream: true } as const;

/** What the page asked of the worker, and the outlet of the last stream. */
let stopped: number[];
let outlet: ChatOutlet | null;
let asked: unknown[];
let workers: Endpoint[];

type Endpoint = MessagePort & { onerror?: (event: { message: string; preventDefault(): void }) => void; terminate: () => void };

/** A worker in the same thread, whose api does what the test says. */
function serve(api: Partial<WorkerApi>): void {
  const whole = {
    load: () => Promise.resolve({ value: LOADED }),
    stop: (job: number) => Promise.resolve(void stopped.push(job)),
    streamChat: (_model: number, _job: number, request: unknown, to: ChatOutlet) => {
      asked.push(request);
      outlet = to;
      return Promise.resolve({ value: null });
    },
    ...api,
  };
  vi.stubGlobal("navigator", {}); // no locks: the page has an engine of its own
  vi.stubGlobal("Worker", function () {
    const { port1, port2 } = new MessageChannel();
    expose(whole, port2 as unknown as Parameters<typeof expose>[1]);
    const worker = Object.assign(port1, { terminate: () => port1.close() });
    workers.push(worker);
    return worker;
  });
}

function piece(content: string): StreamMessage<ChatCompletionChunk> {
  return { pieces: [chunk({ content }, null)] };
}

function chunk(delta: { content?: string }, finish_reason: "stop" | null): ChatCompletionChunk {
  const choices = [{ index: 0, delta, finish_reason, stop_type: finish_reason && "eos", logprobs: null }] as const;
  return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model: "tiny", choices };
}

const CLOSING: StreamMessage<ChatCompletionChunk> = { pieces: [chunk({}, "stop")] };

beforeEach(() => {
  stopped = [];
  asked = [];
  workers = [];
  outlet = null;
});

afterEach(() => {
  for (const worker of workers) worker.onerror?.({ message: "the test is over", preventDefault: () => undefined });
  vi.unstubAllGlobals();
});

describe("the client", () => {
  it("loads a model and hears how far it is", async () => {
    const heard: number[] = [];
    serve({
      load: async (_job, _request, progress) => {
        progress.postMessage({ phase: "load", doneBytes: 5, totalBytes: 10, bytesPerSecond: 0 });
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { value: LOADED };
      },
    });
    const cria = await load({ model: "tiny", onProgress: ({ doneBytes }) => heard.push(doneBytes) });
    expect([cria.info, heard]).toEqual([INFO, [5]]);
  });

  it("revives an error with its code and hint", async () => {
    serve({ preview: () => Promise.resolve({ error: { code: "not_found", message: "No such model.", hint: "Look again." } }) });
    await expect(preview("x")).rejects.toMatchObject({
      name: "EngineError",
      code: "not_found",
      message: "No such model.",
      hint: "Look again.",
    });
  });

  it("streams pieces in order, with the request as plain data", async () => {
    serve({});
    const cria = await load({ model: "tiny" });
    const stream = await cria.chat.completions.create({ ...ASK, temperature: Number.NaN, max_tokens: 9 });
    for (const message of [piece("Par"), piece("is"), CLOSING, { end: true } as const]) outlet!.postMessage(message);
    const texts: (string | undefined)[] = [];
    for await (const { choices } of stream) texts.push(choices[0].delta.content);
    expect(texts).toEqual(["Par", "is", undefined]);
    // What JSON cannot say is kept for the engine to refuse, not quietly turned into a default.
    expect(asked).toEqual([{ ...ASK, temperature: "NaN", max_tokens: 9 }]);
  });

  it("shows no text after a stop, only how it ended", async () => {
    serve({});
    const cria = await load({ model: "tiny" });
    const controller = new AbortController();
    const texts: (string | undefined)[] = [];
    const stream = await cria.chat.completions.create(ASK, { signal: controller.signal });
    for (const text of ["a", "b", "c"]) outlet!.postMessage(piece(text));
    for await (const { choices } of stream) {
      texts.push(choices[0].delta.content);
      if (texts.length > 1) continue;
      controller.abort();
      outlet!.postMessage(piece("too late"));
      outlet!.postMessage(CLOSING);
      outlet!.postMessage({ end: true });
    }
    expect(texts).toEqual(["a", undefined]);
    await vi.waitFor(() => expect(stopped).toHaveLength(1));
  });

  it("stops the work of a reader who leaves", async () => {
    serve({});
    const cria = await load({ model: "tiny" });
    const stream = await cria.chat.completions.create(ASK);
    outlet!.postMessage(piece("a"));
    for await (const { choices } of stream) if (choices[0].delta.content) break;
    await vi.waitFor(() => expect(stopped).toHaveLength(1));
  });

  it("refuses to begin what was stopped before", async () => {
    serve({});
    await expect(load({ model: "tiny", signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  });

  it("passes an error in the middle of a stream on", async () => {
    serve({});
    const cria = await load({ model: "tiny" });
    const stream = await cria.chat.completions.create(ASK);
    outlet!.postMessage(piece("a"));
    outlet!.postMessage({ error: { code: "gpu_lost", message: "Lost.", hint: "" } });
    const read = async (): Promise<void> => {
      for await (const { choices } of stream) expect(choices[0].delta.content).toBe("a");
    };
    await expect(read()).rejects.toMatchObject({ code: "gpu_lost" });
  });

  it("fails what waits when the worker dies, and starts another for the next load", async () => {
    serve({ tokenize: () => new Promise(() => undefined) });
    const cria = await load({ model: "tiny" });
    const tokens = cria.tokenize("never");
    const stream = await cria.chat.completions.create(ASK);
    workers[0]!.onerror!({ message: "out of memory", preventDefault: () => undefined });
    await expect(tokens).rejects.toMatchObject({ code: "internal", message: expect.stringContaining("out of memory") });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "internal" });
    await expect(cria.stats()).rejects.toMatchObject({ code: "internal" });
    expect((await load({ model: "tiny" })).info).toEqual(INFO);
    expect(workers).toHaveLength(2);
  });

  it("keeps streaming in a page that is visible and yet draws no frames", async () => {
    vi.stubGlobal("document", { visibilityState: "visible" });
    vi.stubGlobal("requestAnimationFrame", () => 0);
    serve({});
    const cria = await load({ model: "tiny" });
    const stream = await cria.chat.completions.create(ASK);
    outlet!.postMessage(piece("a"));
    const first = await stream[Symbol.asyncIterator]().next();
    expect(first.value?.choices[0].delta.content).toBe("a");
  });

  it("hands pieces on once a frame", async () => {
    const frames: (() => void)[] = [];
    vi.stubGlobal("document", { visibilityState: "visible" });
    vi.stubGlobal("requestAnimationFrame", (frame: () => void) => frames.push(frame));
    serve({});
    const cria = await load({ model: "tiny" });
    const stream = await cria.chat.completions.create(ASK);
    const texts: (string | undefined)[] = [];
    const reading = (async () => {
      for await (const { choices } of stream) texts.push(choices[0].delta.content);
    })();
    for (const text of ["a", "b", "c"]) outlet!.postMessage(piece(text));
    await vi.waitFor(() => expect(frames).toHaveLength(1));
    expect(texts).toEqual([]);
    frames[0]!();
    await vi.waitFor(() => expect(texts).toEqual(["a", "b", "c"]));
    for (const message of [CLOSING, { end: true } as const]) outlet!.postMessage(message);
    await reading;
    expect(frames.length).toBeLessThanOrEqual(3);
  });

  it("keeps streaming in a page that is hidden", async () => {
    vi.stubGlobal("document", { visibilityState: "hidden" });
    serve({});
    const cria = await load({ model: "tiny" });
    const stream = await cria.chat.completions.create(ASK);
    outlet!.postMessage(piece("a"));
    const first = await stream[Symbol.asyncIterator]().next();
    expect(first.value?.choices[0].delta.content).toBe("a");
  });
});
