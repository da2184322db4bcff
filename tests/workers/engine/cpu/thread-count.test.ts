// The number of threads follows what tokens cost.
import { describe, expect, it } from "vitest";
import { ThreadCount } from "../../../../workers/engine/cpu/thread-count.ts";

/** Feeds times by count for so many tokens; gives how often each count was used. */
function run(count: ThreadCount, milliseconds: (threads: number) => number, tokens: number): Map<number, number> {
  const used = new Map<number, number>();
  for (let i = 0; i < tokens; i++) {
    used.set(count.current, (used.get(count.current) ?? 0) + 1);
    count.record(milliseconds(count.current));
  }
  return used;
}

describe("ThreadCount", () => {
  it("keeps all threads where each helps, and spends few tokens on finding out", () => {
    const count = new ThreadCount(2);
    const used = run(count, (threads) => 10 / threads, 2000);
    expect(count.current).toBe(2);
    expect(used.get(1)).toBeLessThan(6); // one slow token a trial, and ever longer pauses
  });

  it("drops a thread that holds the others up", () => {
    const count = new ThreadCount(2);
    run(count, (threads) => (threads === 2 ? 30 : 12), 200);
    expect(count.current).toBe(1);
  });

  it("comes back when the machine is free again", () => {
    const count = new ThreadCount(2);
    run(count, (threads) => (threads === 2 ? 30 : 12), 200);
    run(count, (threads) => 12 / threads, 1000);
    expect(count.current).toBe(2);
  });

  it("finds its way down from many threads that share one memory", () => {
    const count = new ThreadCount(16);
    run(count, (threads) => 20 / Math.min(threads, 6) + threads, 4000); // best at 6 or fewer: each one more costs 1 ms
    expect(count.current).toBeLessThan(9);
    expect(count.current).toBeGreaterThan(2);
  });
});
