// Talks to an OpenAI-compatible server of the person's own: llama.cpp's, vLLM, Ollama. Runs in a worker that may reach that server alone.
// Source: platform.openai.com/docs/api-reference/chat; html.spec.whatwg.org, server-sent events.
import { EngineError } from "../engine/base/errors.ts";
import type { ChatCompletionChunk, ChatRequest, FinishReason, StopType, Usage } from "../engine/base/openai.ts";

/** Where a server is, and what opens it. */
export interface ServerAccess {
  /** Without a slash at its end: "http://localhost:8080/v1". */
  readonly base: string;
  /** Null where it wants none. */
  readonly key: string | null;
}

/** What a page tells the service worker: the origin that may be reached from now on; null for none. Answered when it holds. */
export interface ServerAllowed {
  readonly type: "own server";
  readonly origin: string | null;
}

/** How a server's reasons to end are called here. */
const ENDED: Readonly<Record<string, readonly [FinishReason, StopType]>> = {
  stop: ["stop", "eos"],
  length: ["length", "limit"],
  tool_calls: ["tool_calls", "eos"],
};

/** Ids of the models that a server offers. Throws `network`, `unauthorized`, `not_found`, `bad_file`. */
export async function listModels(access: ServerAccess, signal: AbortSignal): Promise<string[]> {
  const response = await ask(access, "models", { signal });
  const list: unknown = await response.json().catch(() => null);
  const models: unknown = recordOf(list)["data"];
  if (!Array.isArray(models)) throw notThatApi(access);
  return models.map((model) => String(recordOf(model)["id"])).sort();
}

/** A chat's answer in pieces, as a local model gives them; the last one has the reason it ended. Throws as `listModels`. */
export async function* streamChat(
  access: ServerAccess,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<ChatCompletionChunk, void> {
  const body = JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } });
  const response = await ask(access, "chat/completions", { method: "POST", body, signal });
  if (!response.body) throw notThatApi(access);
  let ended: readonly [FinishReason, StopType] = ["stop", "eos"];
  let usage: Usage | undefined;
  const model = request.model ?? "";
  for await (const data of eventsOf(response.body)) {
    const event = recordOf(parse(data));
    if (event["error"])
      throw new EngineError("bad_request", `The server says: ${messageOf(event)}`, "Look at the server's own log.");
    usage = usageOf(event["usage"]) ?? usage;
    const choices: unknown = event["choices"];
    const choice = recordOf(Array.isArray(choices) ? choices[0] : null);
    const content = recordOf(choice["delta"])["content"];
    ended = ENDED[String(choice["finish_reason"])] ?? ended;
    if (typeof content === "string" && content !== "") yield chunk(model, content);
  }
  yield { ...chunk(model, "", ended), ...(usage && { usage }) };
}

/** The data of server-sent events, up to "[DONE]". */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      const lines = (rest + (done ? decoder.decode() : decoder.decode(value, { stream: true }))).split(/\r?\n/);
      rest = done ? "" : lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith("data:")) continue;
        const data = line.slice(5).trim();
        if (data === "[DONE]") return;
        yield data;
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // a reader who leaves ends the request
  }
}

async function ask({ base, key }: ServerAccess, path: string, init: RequestInit): Promise<Response> {
  const headers = {
    ...(init.body ? { "Content-Type": "application/json" } : {}),
    ...(key ? { Authorization: `Bearer ${key}` } : {}),
  };
  const options = { ...init, headers, credentials: "omit", referrerPolicy: "no-referrer", redirect: "error" } as const;
  const response = await fetch(`${base}/${path}`, options).catch((error: unknown) => {
    init.signal?.throwIfAborted();
    throw unreachable(base, error);
  });
  if (response.ok) return response;
  const said = messageOf(recordOf(parse(await response.text().catch(() => ""))));
  const { status } = response;
  const what = `${new URL(base).host} answered ${String(status)}${said ? `: ${said}` : "."}`;
  if (status === 401 || status === 403) throw new EngineError("unauthorized", what, "Check the key in the settings.");
  if (status === 404)
    throw new EngineError("not_found", what, "Check the address, which mostly ends in /v1, and the model's name.");
  throw new EngineError(status < 500 ? "bad_request" : "network", what, "Look at the server's own log.");
}

/** Browsers don't say whether nobody answered or the answer was withheld from this page. */
function unreachable(base: string, error: unknown): EngineError {
  const { host, origin: its, protocol } = new URL(base);
  const mixed = protocol === "http:" && self.location.protocol === "https:" && !/^(localhost|127\.|\[::1\])/.test(host);
  const hint = mixed
    ? "A page that came over https may not talk to a server without it. Give the server a certificate, or open Cria over http."
    : `See that it runs, and that it lets pages of ${self.location.origin} in (CORS): llama.cpp does, vLLM takes --allowed-origins, Ollama OLLAMA_ORIGINS.`;
  return new EngineError("network", `${its} could not be reached: ${String(error)}.`, hint);
}

function notThatApi({ base }: ServerAccess): EngineError {
  return new EngineError("bad_file", `${base} answers, but not as the OpenAI API does.`, "The address mostly ends in /v1.");
}

function chunk(
  model: string,
  content: string,
  [finish, stop]: readonly [FinishReason | null, StopType | null] = [null, null],
): ChatCompletionChunk {
  const choice = { index: 0, delta: { content }, finish_reason: finish, stop_type: stop, logprobs: null } as const;
  return { id: "server", object: "chat.completion.chunk", created: Math.floor(Date.now() / 1000), model, choices: [choice] };
}

function usageOf(value: unknown): Usage | undefined {
  const { prompt_tokens: prompt, completion_tokens: completion } = recordOf(value);
  if (typeof prompt !== "number" || typeof completion !== "number") return undefined;
  const prompt_tokens_details = { cached_tokens: 0 };
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, prompt_tokens_details };
}

function messageOf({ error, message, detail }: Record<string, unknown>): string {
  const said = typeof error === "string" ? error : (recordOf(error)["message"] ?? message ?? detail ?? "");
  return String(typeof said === "string" ? said : JSON.stringify(said)).slice(0, 300);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
