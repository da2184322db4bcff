// Bodies of answers: JSON, or server-sent events as the OpenAI API streams them, one `data:` line a chunk, `[DONE]` at the end.
// Source: html.spec.whatwg.org, server-sent events; platform.openai.com/docs/api-reference/chat-streaming.
import type { Usage } from "../engine/base/openai.ts";
import { refusalOf } from "./errors.ts";

/** A chunk of a chat or of a completion. */
interface Chunk {
  readonly usage?: Usage;
}

/**
 * How long an answer is waited for before its head is sent. What a request fails with of itself is known at once and gets its status; a
 * client that leaves is noticed by its leaving the body, as Chromium does not tell a service worker of it otherwise.
 */
const HEAD_WITHIN_MS = 100;

/** An answer that comes whole. `stop` is called when its reader leaves; what goes wrong late breaks the connection, and clients try again. */
export async function wholeAnswer(answer: Promise<unknown>, stop: () => void): Promise<Response> {
  if (await isSettled(answer)) return Response.json(await answer);
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode(JSON.stringify(await answer)));
      controller.close();
    },
    cancel: stop,
  });
  return new Response(body, { headers: { "Content-Type": "application/json" } });
}

/**
 * Streams chunks. `withUsage` puts the usage into a chunk of its own at the end, and null into the others; without it no chunk has any.
 * `stop` is called when the reader leaves. An error in the middle becomes an event with an `error`, which clients throw; one at the very
 * beginning is thrown here.
 */
export async function eventStream<C extends Chunk>(
  chunks: AsyncIterable<C>,
  withUsage: boolean,
  stop: () => void,
): Promise<Response> {
  const source = events(chunks, withUsage);
  // A chat's first chunk has its role alone, and comes before the request's turn.
  const ahead = [source.next(), source.next()];
  await isSettled(Promise.all(ahead));
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await (ahead.shift() ?? source.next()).catch(lastWords);
      if (value !== undefined) controller.enqueue(encoder.encode(`data: ${value}\n\n`));
      if (done) controller.close();
    },
    async cancel() {
      stop();
      await source.return(undefined);
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache" } });
}

async function* events<C extends Chunk>(chunks: AsyncIterable<C>, withUsage: boolean): AsyncGenerator<string, undefined> {
  for await (const chunk of chunks) {
    const { usage, ...rest } = chunk;
    yield JSON.stringify(withUsage ? { ...rest, usage: null } : rest);
    if (usage && withUsage) yield JSON.stringify({ ...rest, choices: [], usage });
  }
  yield "[DONE]";
}

function lastWords(error: unknown): { readonly value: string; readonly done: true } {
  return { value: JSON.stringify({ error: refusalOf(error).error }), done: true };
}

/** Whether something is there in time. Rejects with what it rejects with in time. */
async function isSettled(work: Promise<unknown>): Promise<boolean> {
  work.catch(() => undefined); // whoever reads the body hears of it
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), HEAD_WITHIN_MS)));
  return Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer));
}
