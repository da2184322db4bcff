// The methods of the worker that talks to a server of one's own.
import { EngineError } from "../engine/base/errors.ts";
import type { ChatCompletionChunk, ChatRequest } from "../engine/base/openai.ts";
import type { Outlet, Reply, StreamMessage } from "../engine/base/wire.ts";
import { listModels, streamChat, type ServerAccess } from "./talk.ts";

/** What crosses the wire to that worker. `job` names a call that can be stopped. */
export class ServerApi {
  private readonly jobs = new Map<number, AbortController>();

  models(job: number, access: ServerAccess): Promise<Reply<readonly string[]>> {
    return this.asJob(job, (signal) => listModels(access, signal));
  }

  /** Resolves at once; what goes wrong comes over the outlet. */
  chat(
    job: number,
    access: ServerAccess,
    request: ChatRequest,
    outlet: Outlet<StreamMessage<ChatCompletionChunk>>,
  ): Promise<Reply<null>> {
    void this.asJob(job, async (signal) => {
      for await (const piece of streamChat(access, request, signal)) outlet.postMessage({ pieces: [piece] });
    }).then((outcome) => outlet.postMessage("error" in outcome ? outcome : { end: true }));
    return Promise.resolve({ value: null });
  }

  stop(job: number): Promise<void> {
    this.jobs.get(job)?.abort();
    return Promise.resolve();
  }

  private async asJob<T>(job: number, work: (signal: AbortSignal) => Promise<T>): Promise<Reply<T>> {
    const controller = new AbortController();
    this.jobs.set(job, controller);
    try {
      return { value: await work(controller.signal) };
    } catch (error) {
      return { error: EngineError.record(error) };
    } finally {
      this.jobs.delete(job);
    }
  }
}
