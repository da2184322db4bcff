// The endpoint: a request in the OpenAI API's shape, answered by the model that is in memory. No server, and nothing but data in between.
// Source: platform.openai.com/docs/api-reference; openai-node 6 and the Vercel AI SDK 6 are the clients it is tested with.
import type { ChatRequest, CompletionRequest, EmbeddingRequest } from "../engine/base/openai.ts";
import { messagesOf, readBody, wantsUsage } from "./body.ts";
import { Refusal, refusalOf, refused } from "./errors.ts";
import { eventStream, wholeAnswer } from "./events.ts";
import type { Served } from "./served.ts";

/** The name that means whichever model is loaded, for programs that have to be given one beforehand. */
export const ANY_MODEL = "cria";

type Body = Readonly<Record<string, unknown>>;
type Method = (served: Served, body: Body, stopping: AbortController) => Promise<Response>;

/** Requests with a body, by path. */
const METHODS: Readonly<Record<string, Method>> = {
  "chat/completions": async ({ chat }, { stream_options, ...body }, stopping) => {
    const withUsage = wantsUsage({ ...body, stream_options });
    const request = { ...body, messages: messagesOf(body["messages"]) } as ChatRequest; // the engine checks it
    const { signal } = stopping;
    const stop = (): void => stopping.abort();
    if (!request.stream) return wholeAnswer(chat.completions.create({ ...request, stream: false }, { signal }), stop);
    return eventStream(await chat.completions.create({ ...request, stream: true }, { signal }), withUsage, stop);
  },
  completions: async ({ completions }, { stream_options, ...body }, stopping) => {
    const withUsage = wantsUsage({ ...body, stream_options });
    const request = { ...body, prompt: onePrompt(body["prompt"]) } as CompletionRequest;
    const { signal } = stopping;
    const stop = (): void => stopping.abort();
    if (!request.stream) return wholeAnswer(completions.create({ ...request, stream: false }, { signal }), stop);
    return eventStream(await completions.create({ ...request, stream: true }, { signal }), withUsage, stop);
  },
  embeddings: ({ embeddings }, body, stopping) => {
    const request: unknown = body;
    const { signal } = stopping;
    return wholeAnswer(embeddings.create(request as EmbeddingRequest, { signal }), () => stopping.abort());
  },
};

/**
 * The part of a URL behind `v1/` in the folder of the app, where a request is one for the endpoint; else null.
 * `scope` is that folder's address, with a slash at its end.
 */
export function endpointPath(url: string, scope: string): string | null {
  const root = `${scope}v1/`;
  return url.startsWith(root) ? new URL(url).pathname.slice(new URL(root).pathname.length) : null;
}

/**
 * Answers a request for `path`, the part behind `/v1/`. Never rejects: what goes wrong is an answer too. `request.signal`, and a reader who
 * leaves a stream, stop the engine. `current` gives the loaded model, or null.
 */
export async function answer(path: string, request: Request, current: () => Promise<Served | null>): Promise<Response> {
  let body: Body = {};
  try {
    if (path === "models" || path.startsWith("models/")) {
      allow(request, "GET");
      const served = await current();
      return Response.json(path === "models" ? listOf(served) : modelOf(needModel(served, nameIn(path))));
    }
    const method = Object.hasOwn(METHODS, path) ? METHODS[path] : undefined;
    if (!method) throw refused(404, `Unknown request URL: ${request.method} /v1/${path}.`, "unknown_url");
    allow(request, "POST");
    body = await readBody(request);
    const served = await current();
    if (!served) throw notLoaded();
    const { model = ANY_MODEL } = body;
    if (typeof model !== "string") throw refused(400, "model must be text.", "invalid_type", "model");
    const stopping = new AbortController();
    if (request.signal.aborted) stopping.abort();
    request.signal.addEventListener("abort", () => stopping.abort(), { once: true });
    return await method(needModel(served, model), body, stopping);
  } catch (error) {
    return refusalOf(error, body).response();
  }
}

function allow(request: Request, method: string): void {
  if (request.method === method) return;
  const message = `${request.method} is not allowed here; use ${method}.`;
  const { error } = refused(405, message, "method_not_allowed");
  throw new Refusal(405, error, { Allow: method });
}

/** The loaded model, if it goes by this name. */
function needModel(served: Served | null, name: string): Served {
  if (served && (name === served.info.id || name === ANY_MODEL)) return served;
  const loaded = served ? `; ${served.info.id} is loaded, and "${ANY_MODEL}" means whichever is` : "; no model is loaded";
  throw refused(404, `The model ${JSON.stringify(name)} does not exist${loaded}.`, "model_not_found", "model");
}

function notLoaded(): Refusal {
  const message = "No model is loaded. Open Cria in a tab, or load one with cria.js.";
  return new Refusal(503, { message, type: "server_error", param: null, code: "model_not_loaded" });
}

function listOf(served: Served | null): object {
  return { object: "list", data: served ? [modelOf(served)] : [] };
}

function modelOf({ info, since }: Served): object {
  return { id: info.id, object: "model", created: since, owned_by: "cria", context_length: info.contextLength };
}

/** Ids have slashes: clients send them escaped or not. */
function nameIn(path: string): string {
  try {
    return decodeURIComponent(path.slice("models/".length));
  } catch {
    return path.slice("models/".length);
  }
}

/** The API takes a list of prompts, of which a local model answers one. */
function onePrompt(prompt: unknown): unknown {
  const single: unknown = Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] !== "number" ? prompt[0] : prompt;
  if (Array.isArray(single) && single.some((part) => typeof part !== "number"))
    throw refused(400, `prompt has ${single.length} prompts; one is answered at a time.`, "invalid_value", "prompt");
  return single;
}
