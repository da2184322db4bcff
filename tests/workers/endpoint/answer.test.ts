// The endpoint by itself: statuses, shapes and streams, over a model whose every word is known.
import { beforeEach, describe, expect, it } from "vitest";
import { EngineError, type ErrorCode } from "../../../workers/engine/base/errors.ts";
import { answer, endpointPath } from "../../../workers/endpoint/answer.ts";
import { MOST_BYTES } from "../../../workers/endpoint/body.ts";
import type { Served } from "../../../workers/endpoint/served.ts";

const INFO = { id: "owner/tiny:Q8_0", contextLength: 64 } as Served["info"];
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, prompt_tokens_details: { cached_tokens: 0 } };
const chunk = (content: string, last = false): object => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta: { content }, finish_reason: last ? "stop" : null }],
  ...(last ? { usage: USAGE } : {}),
});

let asked: Record<string, unknown>[];
let signals: (AbortSignal | undefined)[];
let chunks: () => AsyncGenerator<object>;
let failure: EngineError | null;
let ended: boolean;
/** A whole answer that takes its time. */
let slow: Promise<never> | null;

beforeEach(() => {
  asked = [];
  signals = [];
  failure = null;
  ended = false;
  slow = null;
  chunks = async function* () {
    try {
      yield chunk("The llama");
      yield chunk(" hums.");
      yield chunk("", true);
    } finally {
      ended = true;
    }
  };
});

const create = (request: object, options?: { signal?: AbortSignal }): Promise<never> => {
  asked.push(request as Record<string, unknown>);
  signals.push(options?.signal);
  if (failure) return Promise.reject(failure);
  if (slow) return slow;
  return Promise.resolve(("stream" in request && request.stream ? chunks() : { object: "whole" }) as never);
};
const SERVED: Served = {
  info: INFO,
  since: 7,
  chat: { completions: { create } },
  completions: { create },
  embeddings: { create },
};

const send = (path: string, body?: unknown, more: RequestInit = {}, served: Served | null = SERVED): Promise<Response> => {
  const init = body === undefined ? {} : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) };
  return answer(path, new Request(`https://cria.example/v1/${path}`, { ...init, ...more }), () => Promise.resolve(served));
};
const errorOf = async (response: Response): Promise<Record<string, unknown>> => {
  const body = (await response.json()) as { error: Record<string, unknown> };
  return { status: response.status, ...body.error };
};
const eventsOf = async (response: Response): Promise<unknown[]> =>
  (await response.text())
    .split("\n\n")
    .filter(Boolean)
    .map((event) => event.replace(/^data: /, ""))
    .map((data): unknown => (data === "[DONE]" ? data : JSON.parse(data)));

const MESSAGES = [{ role: "user", content: "Hum" }];
const CHAT = "chat/completions";

describe("paths", () => {
  it.each([
    ["https://a.example/v1/models", "https://a.example/", "models"],
    ["https://a.example/app/v1/chat/completions?x=1", "https://a.example/app/", "chat/completions"],
    ["https://a.example/v1/models", "https://a.example/app/", null],
    ["https://a.example/app/v1", "https://a.example/app/", null],
  ])("%s in %s is %s", (url, scope, path) => expect(endpointPath(url, scope)).toBe(path));
});

describe("models", () => {
  it("are the loaded one, or none", async () => {
    const model = { id: INFO.id, object: "model", created: 7, owned_by: "cria", context_length: 64 };
    expect(await (await send("models")).json()).toEqual({ object: "list", data: [model] });
    expect(await (await send("models", undefined, {}, null)).json()).toEqual({ object: "list", data: [] });
    for (const name of ["owner/tiny:Q8_0", encodeURIComponent(INFO.id), "cria"])
      expect(await (await send(`models/${name}`)).json()).toEqual(model);
    expect(await errorOf(await send("models/gpt-4"))).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
  });
});

describe("requests", () => {
  it("reach the model as they are, whole", async () => {
    const response = await send(CHAT, { model: INFO.id, messages: MESSAGES, temperature: 0 });
    expect([response.status, await response.json()]).toEqual([200, { object: "whole" }]);
    expect(asked).toEqual([{ model: INFO.id, messages: MESSAGES, temperature: 0, stream: false }]);
  });

  it("may name no model", async () => expect((await send(CHAT, { messages: MESSAGES })).status).toBe(200));

  it("may have text in parts, and a developer", async () => {
    const parts = [
      { type: "text", text: "Hum " },
      { type: "text", text: "softly" },
    ];
    await send(CHAT, {
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: parts },
      ],
    });
    expect(asked[0]!["messages"]).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hum softly" },
    ]);
  });

  it("complete one prompt, also in a list", async () => {
    await send("completions", { prompt: ["Once"] });
    await send("completions", { prompt: [[1, 2]] });
    await send("completions", { prompt: [1, 2] });
    expect(asked.map(({ prompt }) => prompt)).toEqual(["Once", [1, 2], [1, 2]]);
    expect(await errorOf(await send("completions", { prompt: ["a", "b"] }))).toMatchObject({ status: 400, param: "prompt" });
  });
});

describe("streams", () => {
  it("are events, the last of them [DONE], without usage where nobody asked", async () => {
    const response = await send(CHAT, { messages: MESSAGES, stream: true });
    expect(response.headers.get("Content-Type")).toBe("text/event-stream; charset=utf-8");
    const last = { ...chunk("", true), usage: undefined };
    expect(await eventsOf(response)).toEqual([chunk("The llama"), chunk(" hums."), last, "[DONE]"]);
  });

  it("have the usage in a chunk of its own where it is asked for", async () => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const events = await eventsOf(await send(CHAT, { messages: MESSAGES, ...options }));
    expect(asked[0]).not.toHaveProperty("stream_options");
    expect(events.map((event) => Object(event).usage)).toEqual([null, null, null, USAGE, undefined]);
    expect(Object(events[3]).choices).toEqual([]);
  });

  it("are refused with a status where they fail before their first word", async () => {
    chunks = async function* () {
      yield chunk("");
      await Promise.resolve();
      throw new EngineError("busy", "64 requests are waiting for this model already.");
    };
    const response = await send(CHAT, { messages: MESSAGES, stream: true });
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(await errorOf(response)).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
  });

  it("say in the stream what went wrong in its middle", async () => {
    chunks = async function* () {
      yield chunk("The");
      yield chunk(" llama");
      await Promise.resolve();
      throw new EngineError("gpu_lost", "The GPU went away.", "Load the model again.");
    };
    const events = await eventsOf(await send(CHAT, { messages: MESSAGES, stream: true }));
    const message = "The GPU went away. Load the model again.";
    expect(events).toEqual([
      chunk("The"),
      chunk(" llama"),
      { error: { message, type: "server_error", param: null, code: "gpu_lost" } },
    ]);
  });

  it("stop the engine when their reader leaves", async () => {
    const reader = (await send(CHAT, { messages: MESSAGES, stream: true })).body!.getReader();
    await reader.read();
    await reader.cancel();
    expect([signals[0]!.aborted, ended]).toEqual([true, true]);
  });

  it("stop the engine when the reader of a whole answer leaves, which its head has reached before", async () => {
    slow = new Promise(() => undefined);
    const response = await send(CHAT, { messages: MESSAGES });
    expect([response.status, signals[0]!.aborted]).toEqual([200, false]);
    await response.body!.cancel();
    expect(signals[0]!.aborted).toBe(true);
  });

  it("stop the engine when the request is aborted", async () => {
    const controller = new AbortController();
    await send(CHAT, { messages: MESSAGES }, { signal: controller.signal });
    controller.abort();
    expect(signals[0]!.aborted).toBe(true);
  });
});

describe("errors", () => {
  const fails = async (code: ErrorCode, message = "It failed."): Promise<Record<string, unknown>> => {
    failure = new EngineError(code, message, "");
    return errorOf(await send(CHAT, { messages: MESSAGES, temperature: -1 }));
  };

  it.each([
    ["bad_request", 400, "invalid_request_error", "invalid_value"],
    ["context_full", 400, "invalid_request_error", "context_length_exceeded"],
    ["busy", 429, "rate_limit_error", "rate_limit_exceeded"],
    ["disposed", 503, "server_error", "model_not_loaded"],
    ["gpu_lost", 500, "server_error", "gpu_lost"],
    ["internal", 500, "server_error", "internal"],
  ] as const)("%s is %i", async (code, status, type, name) => {
    expect(await fails(code)).toMatchObject({ status, type, code: name });
  });

  it("name the parameter", async () => {
    expect(await fails("bad_request", "temperature is -1; it can be 0 to 10.")).toMatchObject({ param: "temperature" });
    expect(await fails("bad_request", "messages[0].content must be text.")).toMatchObject({ param: "messages[0].content" });
    expect(await fails("bad_request", "The parameter temperature is -1, which Cria does not offer.")).toMatchObject({
      param: "temperature",
    });
    expect(await fails("bad_request", "Something else.")).toMatchObject({ param: null });
  });

  it.each([
    ["a method", CHAT, undefined, { method: "GET" }, 405, "method_not_allowed"],
    ["a method of models", "models", {}, {}, 405, "method_not_allowed"],
    ["a path", "images/generations", {}, {}, 404, "unknown_url"],
    ["a path that objects have", "constructor", {}, {}, 404, "unknown_url"],
    ["a model", CHAT, { model: "gpt-4", messages: MESSAGES }, {}, 404, "model_not_found"],
    ["a model that is no name", CHAT, { model: 3, messages: MESSAGES }, {}, 400, "invalid_type"],
    ["what is no JSON", CHAT, "{", {}, 400, "invalid_json"],
    ["what is no object", CHAT, "[]", {}, 400, "invalid_json"],
    ["stream_options without a stream", CHAT, { messages: MESSAGES, stream_options: {} }, {}, 400, "invalid_value"],
    [
      "a picture",
      CHAT,
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] }] },
      {},
      400,
      "invalid_value",
    ],
    ["a book", CHAT, " ".repeat(MOST_BYTES + 1), {}, 413, "request_too_large"],
  ])("refuse %s", async (_, path, body, init, status, code) => {
    const response = await send(path, body, init as RequestInit);
    if (status === 405) expect(response.headers.get("Allow")).toBe(path === "models" ? "GET" : "POST");
    expect(await errorOf(response)).toMatchObject({ status, code });
    expect(asked).toEqual([]);
  });

  it("say that no model is loaded", async () => {
    const response = await send(CHAT, { messages: MESSAGES }, {}, null);
    expect(await errorOf(response)).toMatchObject({ status: 503, type: "server_error", code: "model_not_loaded" });
  });
});
