// Chunks become server-sent events, as the OpenAI API streams them: one `data:` line each, `[DONE]` at the end.
// Source: html.spec.whatwg.org, server-sent events; platform.openai.com/docs/api-reference/chat-streaming.
import type { Usage } from "../engine/base/openai.ts";
import { refusalOf } from "./errors.ts";

/** A chunk of a chat or of a completion. */
interface Chunk {
  readonly usage?: Usage;
}

/**
 * Streams chunks. `withUsage` puts the usage into a chunk of its own at the end, and null into the others; without it no chunk has any.
 * `stop` is called when the reader leaves. An error in the middle becomes an event with an `error`, which clients throw.
 */
export function eventStream<C extends Chunk>(chunks: AsyncIterable<C>, withUsage: boolean, stop: () => void): Response {
  const source = events(chunks, withUsage);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await source.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(`data: ${value}\n\n`));
    },
    async cancel() {
      stop();
      await source.return();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache" } });
}

async function* events<C extends Chunk>(chunks: AsyncIterable<C>, withUsage: boolean): AsyncGenerator<string, void> {
  try {
    for await (const chunk of chunks) {
      const { usage, ...rest } = chunk;
      yield JSON.stringify(withUsage ? { ...rest, usage: null } : rest);
      if (usage && withUsage) yield JSON.stringify({ ...rest, choices: [], usage });
    }
    yield "[DONE]";
  } catch (error) {
    yield JSON.stringify({ error: refusalOf(error).error });
  }
}
