// Picking tokens: probabilities one can work out by hand.
import { describe, expect, it } from "vitest";
import type { Sampling } from "../../../../workers/engine/base/backend.ts";
import { random } from "../../../../workers/engine/base/random.ts";
import { Sampler } from "../../../../workers/engine/decode/sampler.ts";

const PLAIN: Sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, repeatWindow: 64, seed: 7 };
/** Probabilities 1/2, 1/4, 1/8, 1/8, best in the middle. */
const LOGITS = [Math.log(2), Math.log(1), Math.log(4), Math.log(1)];
const DRAWS = 20_000;

describe("the sampler", () => {
  it("is greedy at temperature 0, the lowest id among equals", () => {
    expect(pick([1, 3, 2], { temperature: 0 })).toBe(1);
    expect(pick([1, 3, 3], { temperature: 0 })).toBe(1);
    expect(pick([-Infinity, -5, -Infinity], { temperature: 0 })).toBe(1);
  });

  it("draws by the model's probabilities", () => {
    expectShares(shares({}), [1 / 4, 1 / 8, 1 / 2, 1 / 8]);
  });

  it("flattens and sharpens with temperature", () => {
    // Half the logits: sqrt of the weights 2, 1, 4, 1.
    const sum = Math.SQRT2 + 1 + 2 + 1;
    expectShares(shares({ temperature: 2 }), [Math.SQRT2 / sum, 1 / sum, 2 / sum, 1 / sum]);
    expectShares(shares({ temperature: 0.5 }), [4 / 22, 1 / 22, 16 / 22, 1 / 22]);
  });

  it("keeps the k best, the lowest ids among equals", () => {
    expectShares(shares({ topK: 1 }), [0, 0, 1, 0]);
    expectShares(shares({ topK: 3 }), [2 / 7, 1 / 7, 4 / 7, 0]);
    expectShares(shares({ topK: 99 }), [1 / 4, 1 / 8, 1 / 2, 1 / 8]);
  });

  it("keeps the fewest tokens that reach p", () => {
    expectShares(shares({ topP: 0.75 }), [1 / 3, 0, 2 / 3, 0]);
    expectShares(shares({ topP: 0.76 }), [2 / 7, 1 / 7, 4 / 7, 0]);
    expectShares(shares({ topP: 0.4 }), [0, 0, 1, 0]);
  });

  it("keeps one token at least", () => {
    expectShares(shares({ topP: 0 }), [0, 0, 1, 0]);
    expectShares(shares({ minP: 1 }), [0, 0, 1, 0]);
  });

  it("measures p among the k best", () => {
    // Of the two best, 2/3 and 1/3, the first alone reaches 0.6; of all it would not.
    expectShares(shares({ topK: 2, topP: 0.6 }), [0, 0, 1, 0]);
  });

  it("drops what is less than minP times as likely as the best", () => {
    expectShares(shares({ minP: 0.24 }), [1 / 4, 1 / 8, 1 / 2, 1 / 8]);
    expectShares(shares({ minP: 0.26 }), [1 / 3, 0, 2 / 3, 0]);
    expectShares(shares({ minP: 0.26, temperature: 100 }), [1 / 2, 0, 1 / 2, 0]); // the cut is made before the temperature
  });

  it("makes recent tokens less likely, each once, whatever their sign", () => {
    const greedy = { temperature: 0, repeatPenalty: 2 };
    expect(pick([3, 2, 1], greedy, [0])).toBe(1); // 1.5, 2, 1
    expect(pick([3, 2, 1], greedy, [0, 0, 0])).toBe(1);
    expect(pick([-1, -1.5, -3], greedy, [0])).toBe(1); // -2, -1.5, -3
    expect(pick([3, 2, 1], { ...greedy, repeatWindow: 1 }, [0, 2])).toBe(0);
    expect(pick([3, 2, 1], { ...greedy, repeatWindow: 0 }, [0, 2])).toBe(0);
    expect(pick([3, 2, 1], { ...greedy, repeatWindow: 99 }, [2, 1, 0])).toBe(0); // 1.5, 1, 0.5
  });

  it("gives the same token for the same seed and position, and others for others", () => {
    const logits = Array.from({ length: 1000 }, (_, id) => Math.sin(id));
    const tokens = (seed: number): number[] => Array.from({ length: 50 }, (_, position) => pick(logits, { seed }, [], position));
    expect(tokens(1)).toEqual(tokens(1));
    expect(tokens(1)).not.toEqual(tokens(2));
    expect(new Set(tokens(1)).size).toBeGreaterThan(40);
  });

  it("walks the tokens best first, of equals the lowest id first", () => {
    for (let position = 0; position < 100; position++) {
      const dice = random(PLAIN.seed, position);
      expect(pick([0, 0, 0, 0], {}, [], position)).toBe(Math.floor(4 * dice));
      expect(pick([0.3, 0.6, 0.1].map(Math.log), {}, [], position)).toBe(dice < 0.6 ? 1 : dice < 0.9 ? 0 : 2);
    }
  });

  it("refuses logits that are no numbers", () => {
    for (const logits of [
      [1, NaN, 2],
      [-Infinity, -Infinity],
      [Infinity, 0],
    ]) {
      expect(() => pick(logits)).toThrow(expect.objectContaining({ code: "bad_logits" }));
    }
  });

  it("agrees with sorting the whole vocabulary", () => {
    const logits = Array.from({ length: 5000 }, (_, id) => 12 * random(3, id) + (id % 7 === 0 ? 4 : 0));
    for (const sampling of [{ topK: 40, topP: 0.9 }, { topP: 0.95 }, { topP: 0.5, minP: 0.02 }, { topK: 500, minP: 0.1 }]) {
      const kept = bySorting(logits, { ...PLAIN, ...sampling });
      const seen = new Set(Array.from({ length: 2000 }, (_, position) => pick(logits, sampling, [], position)));
      expect([...seen].filter((id) => !kept.has(id))).toEqual([]);
    }
  });
});

function pick(logits: readonly number[], sampling: Partial<Sampling> = {}, recent: readonly number[] = [], position = 0): number {
  return new Sampler(logits.length).pick(Float32Array.from(logits), { ...PLAIN, ...sampling }, recent, position);
}

/** How often each token of LOGITS is drawn. */
function shares(sampling: Partial<Sampling>): number[] {
  const counts = LOGITS.map(() => 0);
  const sampler = new Sampler(LOGITS.length);
  for (let position = 0; position < DRAWS; position++) {
    counts[sampler.pick(Float32Array.from(LOGITS), { ...PLAIN, ...sampling }, [], position)]!++;
  }
  return counts.map((count) => count / DRAWS);
}

/** Three standard deviations of a share are at most 3 / (2 sqrt(20,000)) = 0.011. What is cut off is never drawn. */
function expectShares(found: readonly number[], expected: readonly number[]): void {
  for (const [id, share] of expected.entries()) {
    if (share === 0) expect(found[id]).toBe(0);
    else expect(Math.abs(found[id]! - share)).toBeLessThan(0.011);
  }
}

/** The tokens that top-k, top-p and min-p leave, straight from their definitions. */
function bySorting(logits: readonly number[], { topK, topP, minP }: Sampling): Set<number> {
  const order = logits.map((_, id) => id).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const best = order.slice(0, topK || logits.length);
  const weight = (id: number): number => Math.exp(logits[id]! - logits[order[0]!]!);
  const total = best.reduce((sum, id) => sum + weight(id), 0);
  const kept = new Set<number>();
  let share = 0;
  for (const id of best) {
    if (share < topP * total + 1e-6 && weight(id) >= minP - 1e-6) kept.add(id);
    share += weight(id);
  }
  return kept;
}
