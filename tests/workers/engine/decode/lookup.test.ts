import { describe, expect, it } from "vitest";
import { Lookup } from "../../../../workers/engine/decode/lookup.ts";

/** A lookup that knows the text and that a token takes 10 ms. */
function lookupOf(...text: number[]): Lookup {
  const lookup = new Lookup(100, text);
  lookup.time(0, 10);
  return lookup;
}

/** Tells of a batch with three guesses that took so long and made so many tokens known. */
function tell(lookup: Lookup, elapsedMs: number, known: number): void {
  lookup.time(3, elapsedMs);
  lookup.learn(3, known);
}

describe("a guess from the text itself", () => {
  it("is what followed the last three tokens when they stood there before", () => {
    expect(lookupOf(1, 2, 3, 4, 5, 6, 1, 2, 3).guess(7)).toEqual([4, 5, 6]);
    expect(lookupOf(1, 2, 3, 4, 5, 6, 1, 2, 3).guess(2)).toEqual([4, 5]);
  });

  it("takes the latest such place", () => {
    expect(lookupOf(1, 2, 3, 4, 1, 2, 3, 9, 9, 9, 9, 1, 2, 3).guess(7)).toEqual([9, 9, 9]);
  });

  it("is none where only two tokens agree, or before it is known what a token costs", () => {
    expect(lookupOf(1, 2, 3, 4, 8, 2, 3).guess(7)).toEqual([]);
    expect(lookupOf(1).guess(7)).toEqual([]);
    expect(new Lookup(100, [1, 2, 3, 4, 1, 2, 3]).guess(7)).toEqual([]);
  });

  it("goes on with the text", () => {
    const lookup = lookupOf(1, 2, 3, 4, 5);
    for (const token of [1, 2, 3]) lookup.add(token);
    expect(lookup.guess(7)).toEqual([4, 5, 1]);
  });
});

describe("guessing", () => {
  const REPEATING = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3];

  it("grows bold after a batch that brought more than its time's worth", () => {
    const lookup = lookupOf(...REPEATING);
    tell(lookup, 20, 3);
    expect(lookup.guess(7)).toEqual([4, 5, 6, 7, 8, 9, 1]);
  });

  it("rests for 16 tokens after one that did not, for 32 after the next, and is tried again", () => {
    const lookup = lookupOf(...REPEATING);
    for (const rest of [16, 32]) {
      tell(lookup, 20, 1);
      for (let count = 0; count < rest; count++) {
        expect(lookup.guess(7)).toEqual([]);
        lookup.add([1, 2, 3][(count + 3 - (rest % 3)) % 3]!);
      }
      expect(lookup.guess(7)).toHaveLength(3);
    }
  });
});
