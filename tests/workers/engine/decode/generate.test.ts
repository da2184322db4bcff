import { describe, expect, it } from "vitest";
import type { StopType } from "../../../../workers/engine/base/openai.ts";
import { generate, type GenerateOptions, type Piece } from "../../../../workers/engine/decode/generate.ts";
import { Detokenizer } from "../../../../workers/engine/text/detokenizer.ts";
import { ScriptedSession, tokenizerOf, type ScriptOptions } from "../doubles.ts";

// The two bytes of "é" are tokens of their own: 0xc3 is spelled "Ã", 0xa9 "©".
const TEXTS = ["Hello", "Ġworld", "!", "Ã", "©", "</s>"];
const [HELLO, WORLD, BANG, E1, E2, END] = [0, 1, 2, 3, 4, 5] as const;
const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, repeatWindow: 0, seed: 1 };

interface Said {
  readonly pieces: Piece[];
  readonly text: string;
  readonly ended: StopType;
  readonly session: ScriptedSession;
}

/** Has a session say its script after a prompt of two tokens. */
async function say(
  script: number[],
  options: Partial<GenerateOptions> & Partial<ScriptOptions> = {},
  onPiece?: (piece: Piece) => void,
): Promise<Said> {
  const session = new ScriptedSession({ vocab: TEXTS.length, script, ...options });
  const { logits } = await session.prefill([HELLO, WORLD]);
  let clock = 0;
  const settings = {
    sampling: GREEDY,
    maxTokens: null,
    stop: [],
    endIds: [END],
    alternatives: null,
    speculate: true,
    constraint: null,
    pause: () => Promise.resolve(false),
    isWanted: () => false,
    now: () => clock++, // whatever is read takes a millisecond
    ...options,
  };
  const pieces: Piece[] = [];
  const stream = generate(session, new Detokenizer(tokenizerOf(TEXTS)), logits, settings);
  for (;;) {
    const next = await stream.next();
    if (next.done) return { pieces, text: pieces.map((piece) => piece.text).join(""), ended: next.value, session };
    pieces.push(next.value);
    onPiece?.(next.value);
  }
}

describe.each([
  ["picked here", {}],
  ["picked on the device", { runLength: 2 }],
])("an answer %s", (_, where) => {
  it("ends with the end token, which is no part of it", async () => {
    const { text, ended, pieces } = await say([HELLO, WORLD, BANG, END], where);
    expect([text, ended]).toEqual(["Hello world!", "eos"]);
    expect(pieces.flatMap((piece) => piece.ids)).toEqual([HELLO, WORLD, BANG]);
  });

  it("ends after as many tokens as were asked for", async () => {
    const { text, ended } = await say([HELLO, WORLD, BANG, END], { ...where, maxTokens: 2 });
    expect([text, ended]).toEqual(["Hello world", "limit"]);
  });

  it("of no tokens is empty", async () => {
    const { text, ended } = await say([HELLO], { ...where, maxTokens: 0 });
    expect([text, ended]).toEqual(["", "limit"]);
  });

  it("says when the context is full", async () => {
    const { text, ended } = await say([HELLO, WORLD, BANG, HELLO, HELLO, END], { ...where, contextLength: 5 });
    expect([text, ended]).toEqual(["Hello world!", "context_full"]);
  });

  it("ends before a stop string that lies across tokens, and holds back what may become one", async () => {
    const { pieces, text, ended } = await say([HELLO, WORLD, BANG, HELLO, END], { ...where, stop: ["world!"] });
    expect([text, ended]).toEqual(["Hello ", "word"]);
    expect(pieces.every((piece) => !piece.text.includes("w"))).toBe(true);
  });

  it("gives back what only looked like a stop string", async () => {
    const { text, ended } = await say([HELLO, WORLD, END], { ...where, stop: ["world!"] });
    expect([text, ended]).toEqual(["Hello world", "eos"]);
  });

  it("never splits a character", async () => {
    const { pieces, text } = await say([E1, E2, BANG, END], where);
    expect(text).toBe("é!");
    expect(pieces.every((piece) => !piece.text.includes("\ufffd"))).toBe(true);
  });

  it("shows half a character that nothing completes", async () => {
    expect((await say([HELLO, E1, END], where)).text).toBe("Hello\ufffd");
  });

  it("says nothing more after a stop", async () => {
    const controller = new AbortController();
    const { text, ended } = await say([HELLO, WORLD, BANG, HELLO, END], { ...where, signal: controller.signal }, () =>
      controller.abort(),
    );
    expect(ended).toBe("stopped");
    expect(text).toBe("runLength" in where ? "Hello world" : "Hello");
  });
});

describe("logprobs", () => {
  it("tell the chosen token's and the best ones'", async () => {
    const { pieces } = await say([WORLD, END], { alternatives: 2 });
    // One logit of 10 among six, the others 0: log(e^10 / (e^10 + 5)).
    const best = 10 - Math.log(Math.exp(10) + 5);
    const [score] = pieces[0]!.scores;
    expect(score!.id).toBe(WORLD);
    expect(score!.logprob).toBeCloseTo(best, 6);
    expect(score!.best.map(({ id }) => id)).toEqual([WORLD, HELLO]);
    expect(score!.best[1]!.logprob).toBeCloseTo(best - 10, 6);
  });

  it("are of the model's own probabilities, whatever the sampling", async () => {
    const { pieces } = await say([WORLD, END], {
      alternatives: 0,
      sampling: { ...GREEDY, temperature: 1.5, topK: 1, repeatPenalty: 2, repeatWindow: 9 },
    });
    expect(pieces[0]!.scores[0]!.logprob).toBeCloseTo(10 - Math.log(Math.exp(10) + 5), 6);
  });

  it("take the device's picking away, which shows no logits", async () => {
    const { pieces, session } = await say([WORLD, BANG, END], { alternatives: 0, runLength: 2 });
    expect(pieces.flatMap((piece) => piece.scores)).toHaveLength(2);
    expect(session.appended).toEqual([[WORLD], [BANG]]);
  });
});

describe("a seed", () => {
  it("gives the same text again", async () => {
    const sampling = { ...GREEDY, temperature: 40, seed: 7 };
    const answers = await Promise.all([1, 2].map(() => say([HELLO, WORLD, BANG, HELLO, WORLD], { sampling, maxTokens: 5 })));
    expect(answers[0]!.text).toBe(answers[1]!.text);
  });
});

describe("guessing ahead", () => {
  // Three tokens of the prompt and the answer repeat, so that what follows is guessed: first rightly, then not.
  const script = [BANG, HELLO, WORLD, BANG, HELLO, WORLD, BANG, HELLO, HELLO, HELLO, END];

  it("says the same as without, in fewer steps", async () => {
    const { text, ended, session } = await say(script);
    expect([text, ended]).toEqual([
      script
        .slice(0, -1)
        .map((id) => ["Hello", " world", "!"][id])
        .join(""),
      "eos",
    ]);
    expect(session.appended.length).toBeLessThan(script.length - 1);
    expect(session.appended.some((batch) => batch.length > 1)).toBe(true);
  });

  it("is left out on request", async () => {
    const { session } = await say(script, { speculate: false });
    expect(session.appended.every((batch) => batch.length === 1)).toBe(true);
  });

  it("leaves nothing in the cache that was not said", async () => {
    for (let maxTokens = 1; maxTokens < script.length; maxTokens++) {
      const { session } = await say(script, { maxTokens });
      const said = [HELLO, WORLD, ...script.slice(0, maxTokens)];
      expect(session.cached).toEqual(said.slice(0, session.cached.length));
      expect(session.cached.length).toBe(said.length - 1);
    }
  });

  it("scores each token as without", async () => {
    const { pieces } = await say(script, { alternatives: 0 });
    const best = 10 - Math.log(Math.exp(10) + 5);
    for (const { scores } of pieces) for (const { logprob } of scores) expect(logprob).toBeCloseTo(best, 6);
  });

  it("fits into what is left of the context", async () => {
    const { text, ended } = await say(script, { contextLength: 9 });
    expect([text, ended]).toEqual(["!Hello world!Hello world!", "context_full"]);
  });
});
