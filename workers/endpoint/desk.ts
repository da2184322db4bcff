// The service worker's part: requests of pages of Cria's origin for v1/ go to the engine of whichever tab leads.
import { wrap } from "comlink";
import { run, stream } from "../client/requests.ts";
import { Wire } from "../client/wire.ts";
import type { Create, RequestOptions } from "../engine/base/cria.ts";
import type { ChatCompletion, ChatCompletionChunk, ChatRequest, Completion, CompletionRequest } from "../engine/base/openai.ts";
import type { Manner, WorkerApi } from "../engine/base/wire.ts";
import { endOfLife } from "../relay/life.ts";
import type { EngineLine } from "../relay/switchboard.ts";
import { answer, endpointPath } from "./answer.ts";
import type { Served } from "./served.ts";

/** A program may wait where a person does not. */
const MANNER: Manner = { urgency: "background" };

/** What a request ends with when the engine's tab has gone. */
const GONE = {
  code: "engine_gone",
  message: "The tab in which the model was running has ended.",
  hint: "Open Cria in a tab.",
} as const;
/** Clients of an endpoint draw as often as they like. */
const AT_ONCE = (): Promise<void> => Promise.resolve();

/**
 * Answers a fetch that is one for the endpoint; null for any other. `call` finds the engine, null where no tab has one. The event lasts as
 * long as its answer, so that the browser does not end the service worker in the middle of one.
 */
export function answerEndpoint(
  event: FetchEvent,
  scope: string,
  call: () => Promise<EngineLine | null>,
): Promise<Response> | null {
  const path = endpointPath(event.request.url, scope);
  if (path === null) return null;
  let answered: () => void = () => undefined;
  event.waitUntil(new Promise<void>((resolve) => (answered = resolve)));
  const lines: EngineLine[] = [];
  const current = async (): Promise<Served | null> => {
    const line = await call();
    if (line) lines.push(line);
    return line && modelAt(line);
  };
  return answer(path, event.request, current).then((response) =>
    whenRead(response, () => {
      for (const line of lines) line.hangUp();
      answered();
    }),
  );
}

/** The model that is in memory; null where none is. */
async function modelAt({ port, life }: EngineLine): Promise<Served | null> {
  const wire = new Wire(wrap<WorkerApi>(port), () => undefined);
  void endOfLife(life).then(() => wire.die(GONE));
  const loaded = await wire.ask((api) => api.join());
  if (!loaded) return null;
  const { model, info, sinceMs } = loaded;
  const chat = (request: ChatRequest, { signal }: RequestOptions = {}): Promise<unknown> =>
    request.stream
      ? stream(wire, AT_ONCE, signal, (api, job, port) => api.streamChat(model, job, request, port, MANNER))
      : run(wire, signal, (api, job) => api.chat(model, job, request, MANNER));
  const complete = (request: CompletionRequest, { signal }: RequestOptions = {}): Promise<unknown> =>
    request.stream
      ? stream(wire, AT_ONCE, signal, (api, job, port) => api.streamCompletion(model, job, request, port, MANNER))
      : run(wire, signal, (api, job) => api.complete(model, job, request, MANNER));
  return {
    info,
    since: Math.floor(sinceMs / 1000),
    chat: { completions: { create: chat as Create<ChatRequest, ChatCompletion, ChatCompletionChunk>["create"] } },
    completions: { create: complete as Create<CompletionRequest, Completion, Completion>["create"] },
    embeddings: { create: (request, { signal } = {}) => run(wire, signal, (api, job) => api.embed(model, job, request, MANNER)) },
  };
}

/** The same response, and `end` called once its body was read or left. */
function whenRead(response: Response, end: () => void): Response {
  if (!response.body) return (end(), response);
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await reader.read();
      if (!done) return controller.enqueue(value);
      controller.close();
      end();
    },
    async cancel(reason) {
      await new Promise((resolve) => setTimeout(resolve)); // WebKitGTK's service worker hangs where a port is used in here
      await reader.cancel(reason).finally(end);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
