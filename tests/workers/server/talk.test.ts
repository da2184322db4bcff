// What a server of one's own says, however its bytes are cut, in the shapes that a local model has.
import { afterEach, expect, it, vi } from "vitest";
import { listModels, streamChat } from "../../../workers/server/talk.ts";

const ACCESS = { base: "http://localhost:8080/v1", key: null };
const { signal } = new AbortController();
const REQUEST = { model: "m", messages: [{ role: "user", content: "Hello" }] } as const;

afterEach(() => vi.unstubAllGlobals());

function answer(response: Response | Error): ReturnType<typeof vi.fn> {
  const fetch = vi.fn(() => (response instanceof Error ? Promise.reject(response) : Promise.resolve(response)));
  vi.stubGlobal("fetch", fetch);
  vi.stubGlobal("self", { location: new URL("https://cria.example/") });
  return fetch;
}

/** A body whose bytes come `size` at a time. */
function cut(text: string, size: number): Response {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (at >= bytes.length) return controller.close();
    controller.enqueue(bytes.slice(at, (at += size)));
  };
  return new Response(new ReadableStream({ pull }));
}

const EVENTS = [
  ': a comment\r\ndata: {"choices":[{"delta":{"role":"assistant","content":""}}]}\r\n\r\n',
  'data: {"choices":[{"delta":{"content":"Grüße "}}]}\n\n',
  'data: {"choices":[{"delta":{"content":"🦙"},"finish_reason":null}]}\n\n',
  'data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
].join("");

it.each([1, 7, 10_000])("reads a stream that comes %i bytes at a time", async (size) => {
  const fetch = answer(cut(EVENTS, size));
  const chunks = [];
  for await (const chunk of streamChat(ACCESS, REQUEST, signal)) chunks.push(chunk);
  expect(chunks.map(({ choices }) => choices[0].delta.content)).toEqual(["Grüße ", "🦙", ""]);
  expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: "length", stop_type: "limit" }], usage: { total_tokens: 5 } });
  expect(fetch).toHaveBeenCalledOnce();
});

it("ends where a server forgets to say so", async () => {
  answer(cut('data: {"choices":[{"delta":{"content":"Hi"}}]}', 5));
  const ended = [];
  for await (const { choices } of streamChat(ACCESS, REQUEST, signal)) ended.push(choices[0].stop_type);
  expect(ended).toEqual([null, "eos"]);
});

it("sends the key to the server, and nothing else that tells who asks", async () => {
  const fetch = answer(Response.json({ data: [{ id: "b" }, { id: "a" }] }));
  expect(await listModels({ ...ACCESS, key: "secret" }, signal)).toEqual(["a", "b"]);
  expect(fetch).toHaveBeenCalledWith(
    "http://localhost:8080/v1/models",
    expect.objectContaining({
      headers: { Authorization: "Bearer secret" },
      credentials: "omit",
      referrerPolicy: "no-referrer",
      redirect: "error",
    }),
  );
});

it.each([
  [new Response('{"error":{"message":"no such key"}}', { status: 401 }), "unauthorized", "401: no such key"],
  [new Response('{"error":"model not found"}', { status: 404 }), "not_found", "404: model not found"],
  [new Response("", { status: 500 }), "network", "answered 500."],
  [new Response("<!doctype html>"), "bad_file", "not as the OpenAI API does"],
  [new TypeError("Failed to fetch"), "network", "could not be reached"],
])("says in words what went wrong: %#", async (response, code, words) => {
  answer(response);
  await expect(listModels(ACCESS, signal)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
});

it("throws what a server says in the middle of a stream", async () => {
  answer(cut('data: {"error":{"message":"out of memory"}}\n\n', 10_000));
  await expect(streamChat(ACCESS, REQUEST, signal).next()).rejects.toMatchObject({ message: "The server says: out of memory" });
});
