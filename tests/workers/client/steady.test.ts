import { describe, expect, it } from "vitest";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import type { Completion } from "../../../workers/engine/base/openai.ts";
import { steady } from "../../../workers/client/steady.ts";

const GONE = new EngineError("engine_gone", "The tab is gone.");

function piece(text: string, id: string, stop: "stop" | null = null): Completion {
  const choices = [{ index: 0, text, finish_reason: stop, stop_type: stop && "eos", logprobs: null }] as const;
  return { id, object: "text_completion", created: 0, model: "tiny", choices };
}

/** Pieces of these texts, the last one closing, or a failure after them. */
async function* stream(id: string, texts: readonly string[], failure?: EngineError): AsyncGenerator<Completion, void, void> {
  await Promise.resolve();
  for (const text of texts) yield piece(text, id);
  if (failure) throw failure;
  yield piece("", id, "stop");
}

async function textOf(pieces: AsyncIterable<Completion>): Promise<{ text: string; ids: string[]; ended: boolean }> {
  const all: Completion[] = [];
  for await (const each of pieces) all.push(each);
  const text = all.map(({ choices }) => choices[0].text).join("|");
  return { text, ids: [...new Set(all.map(({ id }) => id))], ended: all.at(-1)?.choices[0].finish_reason === "stop" };
}

describe("an answer whose engine goes", () => {
  it("is asked again, and what was said is not said twice", async () => {
    const again = () => Promise.resolve(stream("second", ["Once ", "upon ", "a time"]));
    const told = await textOf(steady(stream("first", ["Once ", "up"], GONE), again));
    expect(told).toEqual({ text: "Once |up|on |a time|", ids: ["first"], ended: true });
  });

  it("ends as the first one would where all was said", async () => {
    const told = await textOf(steady(stream("first", ["Once"], GONE), () => Promise.resolve(stream("second", ["Once"]))));
    expect(told).toEqual({ text: "Once|", ids: ["first"], ended: true });
  });

  it("is the second one's where nothing was said", async () => {
    const told = await textOf(steady(stream("first", [], GONE), () => Promise.resolve(stream("second", ["Once"]))));
    expect(told).toEqual({ text: "Once|", ids: ["second"], ended: true });
  });

  it.each([
    ["says something else", ["Once ", "there"]],
    ["ends earlier", ["Once"]],
  ])("fails with what happened where the second one %s", async (_, texts) => {
    const pieces = steady(stream("first", ["Once ", "upon"], GONE), () => Promise.resolve(stream("second", texts)));
    await expect(textOf(pieces)).rejects.toMatchObject({ code: "engine_gone" });
  });

  it("fails where the second engine goes too", async () => {
    const again = () => Promise.resolve(stream("second", ["Once "], GONE));
    await expect(textOf(steady(stream("first", ["Once "], GONE), again))).rejects.toMatchObject({ code: "engine_gone" });
  });

  it("is not asked again after any other failure", async () => {
    const failure = new EngineError("bad_logits", "NaN.");
    const again = () => Promise.reject(new Error("asked again"));
    await expect(textOf(steady(stream("first", ["Once "], failure), again))).rejects.toMatchObject({ code: "bad_logits" });
  });
});
