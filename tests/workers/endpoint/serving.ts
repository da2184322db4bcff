// A model served to clients without a browser: an engine in this process, behind the endpoint, behind a `fetch` of its own.
import { chatChunks, completionChunks, wholeChat, wholeCompletion, type Author } from "../../../workers/engine/answers.ts";
import type { Cria } from "../../../workers/engine/base/cria.ts";
import type { Engine } from "../../../workers/engine/engine.ts";
import { answer, endpointPath } from "../../../workers/endpoint/answer.ts";
import type { Served } from "../../../workers/endpoint/served.ts";

/** Where clients believe the endpoint to be. */
export const BASE_URL = "https://cria.example/app/v1";
const SCOPE = "https://cria.example/app/";

/** What the endpoint asks of a loaded model, asked of an engine in this process. */
export function servedBy(engine: Engine): Served {
  const author: Author = { model: engine.info.id, bytesOf: (id) => engine.tokenizer.piece(id, { special: true }) };
  const chat = async (request: Parameters<Engine["chat"]>[0], { signal }: { signal?: AbortSignal } = {}): Promise<unknown> => {
    const pieces = engine.chat(request);
    return request.stream ? chatChunks(author, pieces(signal)) : wholeChat(author, pieces(signal));
  };
  const complete = async (
    request: Parameters<Engine["complete"]>[0],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<unknown> => {
    const pieces = engine.complete(request);
    return request.stream ? completionChunks(author, pieces(signal)) : wholeCompletion(author, pieces(signal));
  };
  return {
    info: engine.info,
    since: 1_700_000_000,
    chat: { completions: { create: chat as Cria["chat"]["completions"]["create"] } },
    completions: { create: complete as Cria["completions"]["create"] },
    embeddings: { create: async (request, { signal } = {}) => engine.embed(request)(signal) },
  };
}

/** `fetch` as a page of Cria's has it: what is behind v1/ is answered by the endpoint, and nothing else is reached. */
export function fetchFrom(current: () => Promise<Served | null>): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const path = endpointPath(request.url, SCOPE);
    if (path === null) throw new TypeError(`A request for ${request.url} would have left the page.`);
    if (request.signal.aborted) throw new DOMException("Aborted", "AbortError");
    const stopped = new Promise<never>((_, reject) =>
      request.signal.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")), { once: true }),
    );
    return Promise.race([answer(path, request, current), stopped]);
  };
}
