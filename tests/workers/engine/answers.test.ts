import { describe, expect, it } from "vitest";
import {
  chatChunks,
  completionChunks,
  wholeChat,
  wholeCompletion,
  type Author,
  type Ending,
  type Pieces,
} from "../../../workers/engine/answers.ts";
import type { Piece } from "../../../workers/engine/decode/generate.ts";

const TEXTS = ["Par", "is", "."];
const AUTHOR: Author = { model: "tiny", bytesOf: (id) => new TextEncoder().encode(TEXTS[id]) };
const ENDING: Ending = { stopType: "eos", promptTokens: 7, cachedTokens: 4, newTokens: 3 };
const USAGE = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10, prompt_tokens_details: { cached_tokens: 4 } };

async function* pieces(scored: boolean, ending = ENDING): Pieces {
  for (const [id, text] of TEXTS.entries()) {
    const best = [{ id, logprob: -0.25 }];
    yield { ids: [id], text, scores: scored ? [{ id, logprob: id === 0 ? null : -0.25, best }] : [] } satisfies Piece;
  }
  return ending;
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of stream) list.push(item);
  return list;
}

describe("a chat answer", () => {
  it("whole has the API's shape", async () => {
    const answer = await wholeChat(AUTHOR, pieces(false));
    expect(answer).toMatchObject({
      object: "chat.completion",
      model: "tiny",
      choices: [
        { index: 0, message: { role: "assistant", content: "Paris." }, finish_reason: "stop", stop_type: "eos", logprobs: null },
      ],
      usage: USAGE,
    });
    expect(answer.id).toMatch(/^chatcmpl-[0-9a-z]{24}$/);
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(2);
  });

  it("streamed begins with the role, ends with reason and usage, and is one answer throughout", async () => {
    const chunks = await all(chatChunks(AUTHOR, pieces(false)));
    expect(chunks.map((chunk) => chunk.choices[0].delta)).toEqual([
      { role: "assistant", content: "" },
      { content: "Par" },
      { content: "is" },
      { content: "." },
      {},
    ]);
    expect(chunks.map((chunk) => chunk.choices[0].finish_reason)).toEqual([null, null, null, null, "stop"]);
    expect(chunks.at(-1)!.usage).toEqual(USAGE);
    expect(chunks.slice(0, -1).every((chunk) => !("usage" in chunk))).toBe(true);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it("says that it was cut at the end of the context", async () => {
    const answer = await wholeChat(AUTHOR, pieces(false, { ...ENDING, stopType: "context_full" }));
    expect(answer.choices[0]).toMatchObject({ finish_reason: "length", stop_type: "context_full" });
  });

  it("tells each token's bytes and alternatives", async () => {
    const answer = await wholeChat(AUTHOR, pieces(true));
    expect(answer.choices[0].logprobs!.content[1]).toEqual({
      token: "is",
      logprob: -0.25,
      bytes: [105, 115],
      top_logprobs: [{ token: "is", logprob: -0.25, bytes: [105, 115] }],
    });
  });

  it("leaves out pieces that show nothing", async () => {
    async function* silent(): Pieces {
      yield { ids: [0], text: "", scores: [] };
      yield { ids: [1], text: "é", scores: [] };
      return ENDING;
    }
    expect(await all(chatChunks(AUTHOR, silent()))).toHaveLength(3);
  });

  it("ends the work when its reader leaves", async () => {
    let ended = false;
    async function* endless(): Pieces {
      try {
        for (;;) yield { ids: [0], text: "x", scores: [] };
      } finally {
        ended = true;
      }
    }
    for await (const chunk of chatChunks(AUTHOR, endless())) if (chunk.choices[0].delta.content === "x") break;
    expect(ended).toBe(true);
  });
});

describe("a completion", () => {
  it("whole has the API's shape, with offsets of each token", async () => {
    const answer = await wholeCompletion(AUTHOR, pieces(true));
    expect(answer).toMatchObject({ object: "text_completion", usage: USAGE });
    expect(answer.choices[0]).toEqual({
      index: 0,
      text: "Paris.",
      finish_reason: "stop",
      stop_type: "eos",
      logprobs: {
        tokens: ["Par", "is", "."],
        token_logprobs: [null, -0.25, -0.25],
        top_logprobs: [null, { is: -0.25 }, { ".": -0.25 }],
        text_offset: [0, 3, 5],
      },
    });
  });

  it("streamed counts offsets from the start of the answer", async () => {
    const chunks = await all(completionChunks(AUTHOR, pieces(true)));
    expect(chunks.map((chunk) => chunk.choices[0].text)).toEqual(["Par", "is", ".", ""]);
    expect(chunks.slice(0, 3).map((chunk) => chunk.choices[0].logprobs!.text_offset)).toEqual([[0], [3], [5]]);
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: "stop" }], usage: USAGE });
  });
});
