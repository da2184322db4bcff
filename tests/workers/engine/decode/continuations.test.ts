// Likelihoods of continuations: the same as those of the whole text, whatever was read before and however it is cut.
import { describe, expect, it } from "vitest";
import { scoreContinuations } from "../../../../workers/engine/decode/continuations.ts";
import { divergenceFrom, emptyDistributions, keepDistribution } from "../../../../workers/engine/decode/distribution.ts";
import { logSumExp } from "../../../../workers/engine/decode/score.ts";
import { BackendSession, type Session } from "../../../../workers/engine/model/session.ts";
import { SmallBackend, smallTokenizer } from "../evaluate/small.ts";

const tokenizer = smallTokenizer();
const session = (contextLength?: number): Session => {
  const backend = new SmallBackend(contextLength);
  return new BackendSession(backend, backend.shape);
};

describe("scoring continuations", () => {
  it("gives each token the share of the softmax that its logit has", async () => {
    // After "a" (0) the logits of a, b, c are 0, 1, 2: see SmallBackend.
    const { scores } = await scoreContinuations(session(), tokenizer, { context: "a", continuations: ["c", "cb"] });
    const total = Math.log(Math.exp(0) + Math.exp(1) + Math.exp(2));
    expect(scores[0]!.logprobs).toEqual([expect.closeTo(2 - total, 5)]);
    expect(scores[0]!.greedy).toBe(true);
    expect(scores[1]!.ids).toEqual([2, 1]);
    // After "ac" they are turned by two places: a, b, c have 2, 0, 1.
    expect(scores[1]!.logprobs).toEqual([expect.closeTo(2 - total, 5), expect.closeTo(0 - total, 5)]);
    expect(scores[1]!.greedy).toBe(false);
  });

  it("reads a context once for all its continuations, and what two contexts share once too", async () => {
    const backend = new SmallBackend();
    const reader = new BackendSession(backend, backend.shape);
    await scoreContinuations(reader, tokenizer, { context: "abcabc", continuations: ["ab", "bb", "c"] });
    expect(backend.read).toBe(6 + 1 + 1);
    await scoreContinuations(reader, tokenizer, { context: "abcabb", continuations: ["c"] });
    expect(backend.read).toBe(8 + 1);
  });

  it("drops the beginning of a context that leaves no room, and says how much", async () => {
    const short = await scoreContinuations(session(4), tokenizer, { context: "abcabc", continuations: ["ab"] });
    expect(short).toMatchObject({ contextTokens: 3, droppedTokens: 3 });
    const whole = await scoreContinuations(session(), tokenizer, { context: "abc", continuations: ["ab"] });
    expect(short.scores[0]!.logprobs).toEqual(whole.scores[0]!.logprobs);
  });

  it("refuses what has no tokens", async () => {
    await expect(scoreContinuations(session(), tokenizer, { context: "a", continuations: [""] })).rejects.toMatchObject({
      code: "bad_request",
    });
    await expect(scoreContinuations(session(), tokenizer, { context: "", continuations: ["a"] })).rejects.toMatchObject({
      code: "bad_request",
    });
  });

  it("finds a model at no distance from itself, and another one where it is", async () => {
    const request = { context: "a", continuations: ["cba"], distributions: true };
    const first = await scoreContinuations(session(), tokenizer, request);
    const kept = first.scores[0]!.distributions!;
    const same = await scoreContinuations(session(), tokenizer, { ...request, against: [kept] });
    expect(same.scores[0]!.agreements).toBe(3);
    for (const divergence of same.scores[0]!.divergences!) expect(Math.abs(divergence)).toBeLessThan(1e-6);
    const blunt = new SmallBackend(100, 0.5);
    const other = await scoreContinuations(new BackendSession(blunt, blunt.shape), tokenizer, { ...request, against: [kept] });
    // p of logits 0 1 2, q of 0 0.5 1: 0.0900 ln(0.0900 / 0.1863) + 0.2447 ln(0.2447 / 0.3072) + 0.6652 ln(0.6652 / 0.5065)
    expect(other.scores[0]!.divergences![0]).toBeCloseTo(0.0603, 3);
  });
});

describe("a kept distribution", () => {
  it("is off by half a step of its 65,535 at most", () => {
    const logits = Float32Array.from({ length: 1000 }, (_, i) => 20 * Math.sin(i * i));
    const normalizer = logSumExp(logits);
    const kept = emptyDistributions(1, 1000);
    keepDistribution(kept, 0, logits, normalizer);
    const [least, step] = kept.ranges;
    const worst = Math.max(...logits.map((logit, i) => Math.abs(least! + kept.codes[i]! * step! - (logit - normalizer))));
    expect(worst).toBeLessThan(40 / 65535 / 2 + 1e-5);
    expect(Math.abs(divergenceFrom(kept, 0, logits, normalizer))).toBeLessThan(1e-5);
  });
});
