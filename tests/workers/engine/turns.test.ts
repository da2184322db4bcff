// Several requests to one model: who goes first, that nobody's answer changes by it, and that nothing is read twice without need.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../../../workers/engine/api.ts";
import type { Snapshots } from "../../../workers/engine/base/backend.ts";
import type { Host, SnapshotStore } from "../../../workers/engine/base/host.ts";
import type { Completion } from "../../../workers/engine/base/openai.ts";
import type { Manner, Reply, StreamMessage, WorkerApi } from "../../../workers/engine/base/wire.ts";
import type { Library } from "../../../workers/engine/library.ts";
import { memorySource } from "../../golden/sources.ts";
import { TinyBackend, tinyGguf } from "./tiny.ts";

/** Its next token hangs on all that is in its cache, so that one wrong position changes the answer. */
class RememberingBackend extends TinyBackend {
  /** Tokens read since the last look. */
  read = 0;
  /** What happened, in order: the token at position 0 of each forward pass. */
  readonly log: number[] = [];
  override beforeForward = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  private readonly cache: Uint32Array;

  constructor(contextLength: number) {
    super(contextLength);
    this.cache = new Uint32Array(contextLength);
  }

  override readonly snapshots: Snapshots = {
    form: "tokens",
    positionBytes: 4,
    read: async (first, count) => new Uint8Array(this.cache.slice(first, first + count).buffer),
    write: async (first, bytes) => this.cache.set(new Uint32Array(bytes.slice().buffer), first),
  };

  override async forward(
    tokens: Uint32Array,
    at: number,
    logits: "none" | "last" | "all",
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const scores = await super.forward(tokens, at, logits, signal);
    this.cache.set(tokens, at);
    this.read += tokens.length;
    this.log.push(this.cache[0]!);
    const vocab = logits === "none" ? 1 : scores.length / (logits === "all" ? tokens.length : 1);
    scores.fill(0);
    for (let row = 0; row < scores.length / vocab; row++) {
      const end = logits === "all" ? at + row + 1 : at + tokens.length;
      const sum = this.cache.subarray(0, end).reduce((sum, token, index) => (sum * 31 + token * (index + 7)) % 65521, 1);
      scores[row * vocab + 3 + (sum % (vocab - 3))] = 10;
    }
    return scores;
  }

  takeRead(): number {
    const { read } = this;
    this.read = 0;
    return read;
  }
}

let backend: RememberingBackend;

vi.mock("../../../workers/engine/cpu/open.ts", () => ({
  openCpu: (_host: Host, _model: unknown, contextLength: number | null) => {
    backend = new RememberingBackend(contextLength ?? 2048);
    return Promise.resolve(backend);
  },
}));

let clockMs = 0;

function host(snapshots?: SnapshotStore): Host {
  return {
    gpu: null,
    cores: 1,
    memoryBytes: null,
    isolated: false,
    now: () => clockMs,
    kernelFile: () => Promise.reject(new Error("not here")),
    startThread: () => {
      throw new Error("not here");
    },
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    recall: () => Promise.resolve(null),
    remember: () => Promise.resolve(),
    ...(snapshots && { snapshots }),
  };
}

const nothing = (): Promise<void> => Promise.resolve();
const empty = (): Promise<never[]> => Promise.resolve([]);
const LIBRARY: Library = {
  find: () =>
    Promise.resolve({
      id: "tiny",
      name: null,
      source: memorySource(tinyGguf()),
      defaults: null,
      download: null,
      refuseAfterCrashes: nothing,
      markWork: () => Promise.resolve(nothing),
    }),
  preview: () => Promise.reject(new Error("not here")),
  catalogue: empty,
  stored: empty,
  remove: nothing,
  removeEverything: nothing,
  adapterFiles: empty,
};

let lastJob = 0;

async function value<T>(reply: Promise<Reply<T>>): Promise<T> {
  const outcome = await reply;
  if ("error" in outcome) throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return outcome.value;
}

async function start(snapshots?: SnapshotStore): Promise<{ api: WorkerApi; model: number }> {
  const api = createApi(host(snapshots), LIBRARY);
  const request = { model: "tiny", backend: "auto", contextLength: 2048, afterCrashes: false } as const;
  return { api, model: (await value(api.load(++lastJob, request, { postMessage: () => undefined }))).model };
}

/** A prompt of so many tokens, which begins with its own one. */
const prompt = (own: number, length: number): number[] => [
  own,
  ...Array.from({ length: length - 1 }, (_, i) => 3 + ((i * own) % 5)),
];

const request = (own: number, length: number, maxTokens: number) =>
  ({ prompt: prompt(own, length), max_tokens: maxTokens, temperature: 0, ignore_eos: true }) as const;

async function ask(
  { api, model }: { api: WorkerApi; model: number },
  [own, length, maxTokens]: readonly [number, number, number],
  manner: Manner = {},
): Promise<string> {
  return (await value(api.complete(model, ++lastJob, request(own, length, maxTokens), manner))).choices[0].text;
}

/** A stream, and a promise of its beginning and of its end. */
function listen(): { began: Promise<void>; ended: Promise<string>; postMessage: (message: StreamMessage<Completion>) => void } {
  let text = "";
  let begin: () => void = () => undefined;
  let end: (text: string) => void = () => undefined;
  const began = new Promise<void>((resolve) => (begin = resolve));
  const ended = new Promise<string>((resolve) => (end = resolve));
  const postMessage = (message: StreamMessage<Completion>): void => {
    begin();
    if ("pieces" in message) text += message.pieces.map((piece) => piece.choices[0].text).join("");
    else end("error" in message ? message.error.message : text);
  };
  return { began, ended, postMessage };
}

/** Snapshots in memory, as the store has them. */
function keeper(): SnapshotStore & { readonly blocks: Map<string, Uint8Array> } {
  const blocks = new Map<string, Uint8Array>();
  return {
    blocks,
    find: async (names) => {
      const found: Uint8Array[] = [];
      for (const name of names) {
        const block = blocks.get(name);
        if (!block) break;
        found.push(block);
      }
      return found;
    },
    known: async (names) => new Set(names.filter((name) => blocks.has(name))),
    keep: async (_, fresh) => fresh.forEach((bytes, name) => blocks.set(name, bytes)),
  };
}

/** Looks at every turn of the event loop: the double is faster than any timer. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  clockMs = 0;
});

const JOB = [3, 300, 120] as const;
const SHORT = [4, 20, 5] as const;

describe("a person's short request", () => {
  it.each([
    ["read", 5],
    ["answered", 60],
  ])("goes before a job that is being %s, within a few steps, and changes neither answer", async (_, steps) => {
    const alone = await start();
    const [job, short] = [await ask(alone, JOB), await ask(alone, SHORT)];
    const engine = await start();
    const ending: string[] = [];
    const running = ask(engine, JOB, { urgency: "background" }).finally(() => ending.push("job"));
    await until(() => backend.log.length > steps);
    const asked = backend.log.length;
    const answered = ask(engine, SHORT).finally(() => ending.push("short"));
    expect(await answered).toBe(short);
    expect(backend.log.slice(asked).findIndex((own) => own === SHORT[0])).toBeLessThan(4);
    expect(await running).toBe(job);
    expect(ending).toEqual(["short", "job"]);
  });

  it("is not kept waiting by another person's long answer either", async () => {
    const engine = await start();
    const long = listen();
    await engine.api.streamCompletion(engine.model, ++lastJob, request(3, 30, 400), long);
    await long.began;
    const answered = ask(engine, SHORT);
    await new Promise((resolve) => setImmediate(resolve));
    expect(backend.log.at(-1)).toBe(3); // in its own time
    clockMs += 300;
    await answered;
    let isOver = false;
    void long.ended.then(() => (isOver = true));
    await Promise.resolve();
    expect(isOver).toBe(false);
    expect(await long.ended).toBe(await ask(await start(), [3, 30, 400]));
  });

  it("that is stopped while the other has its turn ends, and the other goes on", async () => {
    const engine = await start();
    const outlet = listen();
    const job = ++lastJob;
    await engine.api.streamCompletion(engine.model, job, request(3, 30, 400), outlet, { urgency: "background" });
    await outlet.began;
    const person = ask(engine, [4, 20, 60]);
    await until(() => backend.log.at(-1) === 4);
    await engine.api.stop(job);
    await outlet.ended;
    expect(await person).toBe(await ask(await start(), [4, 20, 60]));
  });
});

describe("a conversation one comes back to", () => {
  it("is not read again: its last block at most", async () => {
    const engine = await start();
    const first = await ask(engine, [3, 500, 5]);
    await ask(engine, [4, 500, 5]);
    backend.takeRead();
    expect(await ask(engine, [3, 500, 5])).toBe(first);
    expect(backend.takeRead()).toBeLessThan(64 + 8);
  });

  it("is not kept for jobs, which ask a thousand things once", async () => {
    const engine = await start();
    await ask(engine, [3, 500, 5], { urgency: "background" });
    await ask(engine, [4, 500, 5], { urgency: "background" });
    backend.takeRead();
    await ask(engine, [3, 500, 5], { urgency: "background" });
    expect(backend.takeRead()).toBeGreaterThan(500);
  });

  it("is not read again after a reload where it is kept on disk", async () => {
    const store = keeper();
    const before = await start(store);
    const first = await ask(before, [3, 500, 5], { conversation: "llamas" });
    await until(() => store.blocks.size > 0);
    const after = await start(store);
    expect(await ask(after, [3, 500, 5], { conversation: "llamas" })).toBe(first);
    expect(backend.takeRead()).toBeLessThan(64 + 8);
    await ask(after, [4, 500, 5]); // another one that nobody names
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.blocks.size).toBe(7);
  });

  it("is read again where what is on disk is of no use", async () => {
    const store = keeper();
    const first = await ask(await start(store), [3, 500, 5], { conversation: "llamas" });
    await until(() => store.blocks.size > 0);
    for (const name of store.blocks.keys()) store.blocks.set(name, new Uint8Array(3));
    expect(await ask(await start(store), [3, 500, 5])).toBe(first);
  });
});
