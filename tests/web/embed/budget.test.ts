// The tokens of a day: counted per site, kept, forgotten on the next day.
import { describe, expect, it } from "vitest";
import { Budget } from "../../../web/embed/budget.svelte.ts";
import { memoryStore } from "../state/memory-store.ts";

const A = "https://a.example";

describe("a budget", () => {
  it("is counted for each site apart, and outlives the frame", () => {
    const store = memoryStore();
    const budget = new Budget(store, A, () => "2026-11-23");
    budget.limit = 100;
    budget.spend(60);
    expect([budget.left, budget.isSpent]).toEqual([40, false]);
    expect(new Budget(store, A, () => "2026-11-23").spent).toBe(60);
    expect(new Budget(store, "https://b.example", () => "2026-11-23").spent).toBe(0);
  });

  it("may be overdrawn by the last answer, and is spent then", () => {
    const budget = new Budget(null, A, () => "2026-11-23");
    budget.limit = 100;
    budget.spend(130);
    expect([budget.left, budget.isSpent]).toEqual([0, true]);
  });

  it("comes back the next day", () => {
    const store = memoryStore();
    new Budget(store, A, () => "2026-11-23").spend(60);
    expect(new Budget(store, A, () => "2026-11-24").spent).toBe(0);
  });

  it("is no limit where none is set, and no trouble where the store holds something else", () => {
    const store = memoryStore();
    store.setItem("cria-embed-spent", "[");
    const budget = new Budget(store, A, () => "2026-11-23");
    budget.spend(5);
    expect([budget.spent, budget.left, budget.isSpent]).toEqual([5, null, false]);
  });
});
