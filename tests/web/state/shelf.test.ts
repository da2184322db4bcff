// The shelf: downloads that pause and go on, failures that stay until they are seen, looking at addresses.
import { describe, expect, it } from "vitest";
import { Model } from "../../../web/state/model.svelte.ts";
import { Settings } from "../../../web/state/settings.svelte.ts";
import { Shelf } from "../../../web/state/shelf.svelte.ts";
import { ENTRY, EngineDouble, type Script } from "../double.ts";
import { memoryStore } from "./memory-store.ts";

const LLAMA = "llama-3.2-1b-instruct";

function build(script: Partial<Script> = {}): { shelf: Shelf; model: Model; engine: EngineDouble } {
  const engine = new EngineDouble(script);
  const model = new Model(engine, new Settings(memoryStore()));
  return { shelf: new Shelf(engine, model), model, engine };
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("a download", () => {
  it("brings a model into the store without loading it", async () => {
    const { shelf, model } = build();
    await shelf.download(LLAMA, "Llama");
    expect(model.stored.map(({ id, complete }) => [id, complete])).toEqual([[LLAMA, true]]);
    expect(model.phase).toBe("starting");
    expect(shelf.transfers).toEqual([]);
  });

  it("pauses, keeps what has arrived, and goes on there", async () => {
    const { shelf, model } = build({ downloadMs: 600 });
    const first = shelf.download(LLAMA, "Llama");
    await pause(200);
    expect(shelf.transferOf(LLAMA)?.progress?.bytesPerSecond).toBeGreaterThan(0);
    shelf.pause(LLAMA);
    await first;
    expect(shelf.transferOf(LLAMA)).toBeNull();
    const { storedBytes, complete } = model.stored[0]!;
    expect(complete).toBe(false);
    expect(storedBytes).toBeGreaterThan(0);
    const second = shelf.download(LLAMA, "Llama");
    await pause(60);
    expect(shelf.transferOf(LLAMA)!.progress!.doneBytes).toBeGreaterThanOrEqual(storedBytes);
    await second;
    expect(model.stored[0]!.complete).toBe(true);
  });

  it("is one, however often it is asked for", async () => {
    const { shelf } = build({ downloadMs: 100 });
    const both = Promise.all([shelf.download(LLAMA, "Llama"), shelf.download(LLAMA, "Llama")]);
    expect(shelf.transfers).toHaveLength(1);
    await both;
  });

  it("that fails says so until it is tried again or put aside", async () => {
    const { shelf } = build({ failures: [{ at: "download", code: "disk_full" }] });
    await shelf.download(LLAMA, "Llama");
    expect(shelf.transferOf(LLAMA)?.error?.code).toBe("disk_full");
    await shelf.download(LLAMA, "Llama");
    expect(shelf.transfers).toEqual([]);
  });
});

describe("the shelf", () => {
  it("knows what takes most room", async () => {
    const { shelf } = build({ stored: true });
    await shelf.download(LLAMA, "Llama");
    expect(shelf.bySize.map(({ id }) => id)).toEqual([LLAMA, ENTRY.id]);
    expect(shelf.room?.modelsBytes).toBe(807_694_464 + ENTRY.sizeBytes);
    await shelf.remove(LLAMA);
    expect(shelf.room?.modelsBytes).toBe(ENTRY.sizeBytes);
  });

  it("copies files from the disk", async () => {
    const { shelf, model } = build();
    await shelf.keep([new File(["GGUF"], "mine.gguf")]);
    expect(model.stored[0]).toMatchObject({ id: "own:mine.gguf", origin: "file", complete: true });
  });
});

describe("looking at an address", () => {
  it("shows a repository's models, or the one file", async () => {
    const { shelf } = build();
    await shelf.look("owner/name@v2");
    expect(shelf.offer).toMatchObject({ kind: "repository", repository: { revision: "v2", revisions: ["main", "v2"] } });
    await shelf.look("https://example.org/a.gguf");
    expect(shelf.offer).toMatchObject({ kind: "model", model: { name: "a.gguf" } });
  });

  it("says what is wrong with it, and keeps a token for its host alone", async () => {
    const { shelf, engine } = build({ failures: [{ at: "look", code: "unauthorized" }] });
    await shelf.look("gated/name");
    expect(shelf.error?.code).toBe("unauthorized");
    await shelf.look("gated/name", "hf_secret");
    expect(shelf.error).toBeNull();
    expect([...engine.tokens]).toEqual([["https://huggingface.co", "hf_secret"]]);
  });

  it("shows the last one that was asked for", async () => {
    const { shelf } = build();
    await Promise.all([shelf.look("owner/name"), shelf.look("https://example.org/a.gguf")]);
    expect(shelf.offer?.kind).toBe("model");
    shelf.close();
    expect(shelf.offer).toBeNull();
  });
});
