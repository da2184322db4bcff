import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../../../workers/engine/base/openai.ts";
import { chatMessages, chatWishes, completionPrompt, completionWishes, tokenIds } from "../../../workers/engine/parameters.ts";

const HELLO = [{ role: "user", content: "Hello" }] as const;
const DEFAULTS = { system: "Be brief.", sampling: { temperature: 0.2, topK: 5 } };

/** A request as code that knows no types may send it. */
function sent(fields: Record<string, unknown>): ChatRequest {
  return JSON.parse(JSON.stringify({ messages: HELLO, ...fields })) as ChatRequest;
}

describe("the parameters of a request", () => {
  it("fall back to the model's own, then to llama.cpp's", () => {
    const { sampling, maxTokens, stop, alternatives } = chatWishes(sent({}), DEFAULTS);
    expect(sampling).toMatchObject({ temperature: 0.2, topK: 5, topP: 0.95, minP: 0.05, repeatPenalty: 1, repeatWindow: 64 });
    expect({ maxTokens, stop, alternatives }).toEqual({ maxTokens: null, stop: [], alternatives: null });
  });

  it("count null as left out", () => {
    expect(chatWishes(sent({ temperature: null, stop: null, seed: null }), DEFAULTS).sampling.temperature).toBe(0.2);
  });

  it("take a seed as 32 bits and make one up where none is given", () => {
    expect(chatWishes(sent({ seed: 7 }), null).sampling.seed).toBe(7);
    expect(chatWishes(sent({ seed: -1 }), null).sampling.seed).toBe(0xffffffff);
    expect(chatWishes(sent({}), null).sampling.seed).not.toBe(chatWishes(sent({}), null).sampling.seed);
  });

  it("take one stop string or many", () => {
    expect(chatWishes(sent({ stop: "###" }), null).stop).toEqual(["###"]);
    expect(chatWishes(sent({ stop: ["a", "b"] }), null).stop).toEqual(["a", "b"]);
  });

  it.each([
    ["temperature", -0.1],
    ["temperature", "hot"],
    ["temperature", "NaN"],
    ["top_p", 1.5],
    ["top_k", 2.5],
    ["min_p", 2],
    ["repeat_penalty", 0],
    ["max_tokens", 0],
    ["max_completion_tokens", -1],
    ["seed", 1.5],
    ["stop", ""],
    ["stop", ["a", 3]],
    ["stream", "yes"],
    ["logprobs", 3],
    ["top_logprobs", 21],
    ["n", 2],
    ["tools", [{}]],
    ["temprature", 1],
  ])("refuse %s %j and name it", (name, value) => {
    expect(() => chatWishes(sent({ [name]: value }), null)).toThrowError(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining(name) }),
    );
  });

  it("accept what the API's clients send without meaning", () => {
    expect(() =>
      chatWishes(sent({ n: 1, frequency_penalty: 0, user: "me", model: "any", stream_options: { include_usage: true } }), null),
    ).not.toThrow();
  });

  it("count alternatives in a chat only with logprobs", () => {
    expect(chatWishes(sent({ logprobs: true }), null).alternatives).toBe(0);
    expect(chatWishes(sent({ logprobs: true, top_logprobs: 3 }), null).alternatives).toBe(3);
    expect(() => chatWishes(sent({ top_logprobs: 3 }), null)).toThrowError(/top_logprobs/);
  });

  it("allow a completion of no tokens, to score its prompt", () => {
    const wishes = completionWishes({ prompt: "x", max_tokens: 0, echo: true, logprobs: 2 }, null);
    expect(wishes).toMatchObject({ maxTokens: 0, echo: true, alternatives: 2 });
  });
});

describe("the messages of a chat", () => {
  it("begin with the model's own system prompt", () => {
    expect(chatMessages(sent({}), DEFAULTS)).toEqual([{ role: "system", content: "Be brief." }, ...HELLO]);
  });

  it("keep the caller's, also an empty one", () => {
    const messages = [{ role: "system", content: "" }, ...HELLO];
    expect(chatMessages(sent({ messages }), DEFAULTS)).toEqual(messages);
  });

  it("are left to the file's template where nothing is known of the model", () => {
    expect(chatMessages(sent({}), null)).toEqual(HELLO);
  });

  it.each([[[]], ["hi"], [[{ role: "wizard", content: "" }]], [[{ role: "user", content: 3 }]], [[null]]])(
    "refuse %j",
    (messages) => {
      expect(() => chatMessages(sent({ messages }), null)).toThrowError(expect.objectContaining({ code: "bad_request" }));
    },
  );
});

describe("a prompt", () => {
  it("is text or token ids of the vocabulary", () => {
    expect(completionPrompt({ prompt: "Once" }, 10)).toBe("Once");
    expect(completionPrompt({ prompt: [1, 9] }, 10)).toEqual([1, 9]);
    expect(() => tokenIds([1, 10], 10)).toThrowError("Token 1 is 10; ids are whole numbers from 0 to 9.");
  });
});
