// Settings: kept, checked on entry, and the model's own where nothing is set.
import { describe, expect, it } from "vitest";
import { readPreferences } from "../../../web/lib/preferences.ts";
import { Settings } from "../../../web/state/settings.svelte.ts";
import { memoryStore } from "./memory-store.ts";

describe("settings", () => {
  it("take the model's recommendation where nothing is set, and ours where it says nothing", () => {
    const settings = new Settings(memoryStore());
    settings.recommended = { system: "Be brief.", sampling: { temperature: 0.2 } };
    expect(settings.system).toBe("Be brief.");
    expect(settings.request()).toMatchObject({ temperature: 0.2, top_p: 0.95 });
    settings.set({ temperature: 1, system: "" });
    expect(settings.system).toBe("");
    expect(settings.request().temperature).toBe(1);
  });

  it("give every request a seed, the same one only if it is set", () => {
    const settings = new Settings(memoryStore());
    expect(settings.request().seed).not.toBe(settings.request().seed); // equal once in 4 billion runs
    settings.set({ seed: 7 });
    expect(settings.request().seed).toBe(7);
  });

  it("are there again after a reload, and gone after being forgotten", () => {
    const store = memoryStore();
    new Settings(store).set({ theme: "dark", topK: 5 });
    const settings = new Settings(store);
    expect(settings.values).toMatchObject({ theme: "dark", topK: 5 });
    expect(document.documentElement.dataset.theme).toBe("dark");
    settings.forget();
    expect(new Settings(store).values).toMatchObject({ theme: "system", topK: null });
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });

  it("colour the browser's bars as the person chose, else as the system is", () => {
    document.head.innerHTML = ["light", "dark"]
      .map((scheme) => `<meta name="theme-color" media="(prefers-color-scheme: ${scheme})" data-scheme="${scheme}">`)
      .join("");
    const media = (): string[] => [...document.querySelectorAll("meta")].map((meta) => meta.media);
    const settings = new Settings(memoryStore());
    settings.set({ theme: "dark" });
    expect(media()).toEqual(["not all", "all"]);
    settings.set({ theme: "system" });
    expect(media()).toEqual(["(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"]);
  });

  it("go back to the model's, leaving the theme", () => {
    const settings = new Settings(memoryStore());
    settings.set({ theme: "light", temperature: 1.5, system: "x" });
    expect(settings.changed).toBe(true);
    settings.reset();
    expect(settings.values).toMatchObject({ theme: "light", temperature: null, system: null });
    expect(settings.changed).toBe(false);
  });

  it("ignore what makes no sense", () => {
    const stored = JSON.stringify({ theme: "pink", temperature: 99, topK: "3", seed: 5, backend: 1, system: 4 });
    expect(readPreferences(stored)).toMatchObject({
      theme: "system",
      temperature: null,
      topK: null,
      seed: 5,
      backend: "auto",
      system: null,
    });
    expect(readPreferences("{").theme).toBe("system");
    expect(readPreferences("null").theme).toBe("system");
  });

  it("last for the visit where the browser keeps nothing", () => {
    const forbidden = { getItem: refuse, setItem: refuse, removeItem: () => undefined };
    const settings = new Settings(forbidden);
    settings.set({ topP: 0.5 });
    expect(settings.values.topP).toBe(0.5);
  });
});

function refuse(): never {
  throw new DOMException("", "SecurityError");
}
