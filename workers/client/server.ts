// The page's side of a server of one's own: names the one origin that may be reached, and talks through a worker that reaches nothing else.
import { transfer, wrap, type Remote } from "comlink";
import { EngineError } from "../engine/base/errors.ts";
import type { ChatCompletionChunk, ChatRequest } from "../engine/base/openai.ts";
import type { ServerApi } from "../server/api.ts";
import type { ServerAccess, ServerAllowed } from "../server/talk.ts";
import { nextFrame } from "./frames.ts";
import { Inbox, readPieces } from "./stream.ts";
import { Wire } from "./wire.ts";

export type { ServerAccess };

/** A service worker answers within this, or is taken for none. */
const WITHIN_MS = 5000;

/** A server that may be reached until `close`. */
export interface Server {
  /** Ids of its models. Rejects with `EngineError`s. */
  models(signal?: AbortSignal): Promise<readonly string[]>;
  /** An answer in pieces. `signal` stops it on the server too. */
  chat(request: ChatRequest, signal?: AbortSignal): Promise<AsyncIterable<ChatCompletionChunk>>;
  /** Nothing is reached any more. */
  close(): Promise<void>;
}

/** Opens the way to a server. Rejects where no service worker is in charge of the page: only that can hold the policy to one origin. */
export async function openServer(access: ServerAccess): Promise<Server> {
  await allow(new URL(access.base).origin);
  const worker = new Worker(new URL("../server.worker.ts", import.meta.url), { type: "module", name: "cria-server" });
  const wire = new Wire<Remote<ServerApi>>(wrap<ServerApi>(worker), () => worker.terminate());
  const fail = (why: string): void =>
    wire.die({
      code: "internal",
      message: `The worker for your server stopped: ${why}.`,
      hint: "Turn it off and on again in the settings.",
    });
  worker.onerror = (event) => fail(event.message || "its program could not be loaded");
  return {
    async models(signal) {
      const job = wire.openJob(signal);
      return wire.ask((api) => api.models(job.id, access)).finally(() => job.done());
    },
    async chat(request, signal) {
      const job = wire.openJob(signal);
      const { port1, port2 } = new MessageChannel();
      const inbox = new Inbox<ChatCompletionChunk>(port1, nextFrame);
      const forget = wire.onDeath((error) => inbox.put({ error }));
      await wire.ask((api) => api.chat(job.id, access, request, transfer(port2, [port2])));
      return readPieces(inbox, signal, (ended) => {
        if (!ended) job.stop();
        job.done();
        forget();
        inbox.close();
      });
    },
    async close() {
      wire.die({ code: "disposed", message: "The server was turned off.", hint: "Turn it on in the settings." });
      await allow(null);
    },
  };
}

/** Has the service worker allow one origin, or none. */
async function allow(origin: string | null): Promise<void> {
  const controller = "serviceWorker" in navigator ? navigator.serviceWorker.controller : null;
  const none = new EngineError(
    "not_allowed",
    "No service worker is in charge of this page, and only that can see to it that nothing but your server is reached.",
    "Reload the page; private windows of some browsers have none.",
  );
  if (!controller) throw none;
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(none), WITHIN_MS);
    port1.onmessage = () => (clearTimeout(timer), resolve(null));
    controller.postMessage({ type: "own server", origin } satisfies ServerAllowed, [port2]);
  }).finally(() => port1.close());
}
