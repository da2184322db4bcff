// The demonstration: the small model that comes with Cria tells a story, so that a visitor sees the engine run before a download.
import type { Cria } from "../../workers/engine/base/cria.ts";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { ModelInfo } from "../../workers/engine/base/wire.ts";
import type { Engine } from "./engine.ts";

/** waiting: for `tell`. starting: the model comes. telling, told. over: another model took its place, or it failed (see `error`). */
export type DemonstrationPhase = "waiting" | "starting" | "telling" | "told" | "over";

/** What it offers to tell about: words of its corpus. */
const TOPICS = ["the moon", "the first snow", "a treasure", "a train", "the fog", "honey"] as const;

const FILE = "builtin/cria-builtin.gguf";
/** Warm enough for another story each time, cool enough for whole sentences. */
const SAMPLING = { temperature: 0.7, top_p: 0.95, max_tokens: 400 } as const;

export class Demonstration {
  readonly topics: readonly string[] = TOPICS;
  phase = $state<DemonstrationPhase>("waiting");
  topic = $state<string>(TOPICS[0]);
  text = $state("");
  info = $state.raw<ModelInfo | null>(null);
  error = $state.raw<ErrorRecord | null>(null);
  /** How fast the story was written; null before it is told. */
  pace = $state.raw<{ readonly tokensPerSecond: number; readonly milliseconds: number } | null>(null);
  /** Where it runs: "WASM relaxed, 2 threads". */
  readonly place = $derived.by(() => {
    if (!this.info) return null;
    const { backend, tier, threads } = this.info;
    return `${backend === "wasm" ? "WASM" : "WebGPU"} ${tier}${threads > 1 ? `, ${threads} threads` : ""}`;
  });
  #cria: Cria | null = null;
  #controller: AbortController | null = null;
  /** The model's file, fetched ahead of its first story. */
  #ahead: Promise<File> | null = null;
  readonly #closing = new AbortController();

  constructor(
    private readonly engine: Pick<Engine, "load">,
    private readonly file: (signal: AbortSignal) => Promise<File> = fetchModel,
  ) {}

  /** Fetches the model's file while the page finds out whether there will be a story. */
  prepare(): void {
    this.#ahead ??= this.file(this.#closing.signal);
    this.#ahead.catch(() => (this.#ahead = null)); // asked for again when it is needed, and then said
  }

  /** Tells a story, in place of the one that is being told. `seed` decides which. */
  async tell(topic: string, seed = Math.floor(Math.random() * 2 ** 31)): Promise<void> {
    this.#controller?.abort();
    const controller = new AbortController();
    const { signal } = controller;
    this.#controller = controller;
    this.topic = topic;
    this.text = "";
    this.pace = null;
    this.phase = this.#cria ? "telling" : "starting";
    try {
      const cria = this.#cria ?? (await this.#load(signal));
      if (signal.aborted) return await cria.unload();
      this.#cria = cria;
      this.info = cria.info;
      this.phase = "telling";
      const messages = [{ role: "user", content: `Tell me a story about ${topic}.` }] as const;
      const chunks = await cria.chat.completions.create({ messages, ...SAMPLING, seed, stream: true }, { signal });
      for await (const { choices } of chunks) this.text += choices[0]?.delta.content ?? "";
      const { tokens, milliseconds } = (await cria.stats()).decode;
      if (signal.aborted) return;
      this.pace = { tokensPerSecond: (1000 * tokens) / milliseconds, milliseconds };
      this.phase = "told";
    } catch (error) {
      if (signal.aborted) return;
      // The chosen model takes the place of this one as soon as it is here: what was told stays.
      this.error = ["disposed", "busy"].includes(EngineError.record(error).code) ? null : EngineError.record(error);
      this.phase = "over";
    }
  }

  /** Ends the story and frees the model. */
  async close(): Promise<void> {
    this.#controller?.abort();
    this.#closing.abort();
    this.phase = "over";
    const cria = this.#cria;
    this.#cria = null;
    await cria?.unload();
  }

  /** On the CPU: a GPU takes longer to start than so small a model to tell its story. */
  async #load(signal: AbortSignal): Promise<Cria> {
    const model = await (this.#ahead ?? this.file(signal));
    return this.engine.load({ model, backend: "wasm", onlyIfFree: true, signal });
  }
}

/** The model's file: from the app's own folder, and into memory alone. */
async function fetchModel(signal: AbortSignal): Promise<File> {
  const response = await fetch(new URL(FILE, document.baseURI), { signal });
  if (!response.ok) throw new EngineError("network", `The demonstration's model could not be fetched: HTTP ${response.status}.`);
  return new File([await response.blob()], "cria-builtin.gguf");
}
