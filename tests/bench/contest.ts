// Measures the engines on one model, taking turns: every repetition of a work goes round all engines before the next.
import type { Contestant } from "./contestants.ts";
import type { Answer, BackendName, Loaded, Prompt, Setup, Timed } from "./engines/engine.ts";
import type { BenchModel } from "./models.ts";
import { Prompts, QUESTIONS } from "./prompts.ts";
import { type BenchRecord, digits, spread, type WorkName } from "./records.ts";
import { FIRST_TOKEN_PROMPT, LONGEST_FILL_MS, planFor, repetitionsOf, type Scope } from "./work.ts";

/** What holds for all of a run. */
export interface Rules {
  readonly backend: BackendName;
  readonly scope: Scope;
  readonly threads: number;
  /** The GPU is the processor in disguise. */
  readonly software: boolean;
  /** `performance.now()` after which nothing new is begun. */
  readonly deadline: number;
  /** Says something to the person who waits. */
  say(line: string): void;
}

/** An engine that takes part, and what is known of it so far. */
interface Entrant {
  readonly contestant: Contestant;
  readonly setup: Setup;
  loaded: Loaded;
  /** Milliseconds it needed for a token of its prompts. */
  readMs: number;
}

/** Something that is repeated. */
interface Work {
  readonly name: WorkName;
  readonly unit: BenchRecord["unit"];
  /** Of one repetition. */
  tokens(entrant: Entrant): number;
  readonly context?: number;
  /** Default: everyone. */
  readonly only?: ReadonlySet<Entrant>;
  /** Measured once a round, after the engines. */
  beside?(): Promise<void>;
}

/** The engines on one model. */
export class Contest {
  readonly records: BenchRecord[] = [];
  private entrants: Entrant[] = [];
  private turn = 0;

  constructor(
    private readonly rules: Rules,
    private readonly model: BenchModel,
    readonly prompts: Prompts,
    /** Whose greedy words the others are held to. */
    private readonly judge: Contestant,
    /** Bytes a second that the page reads now; null where it has no memory of this kind. */
    private readonly readMemory: () => Promise<number | null>,
  ) {}

  /** Loads an engine for the first time, downloading what it keeps. One that fails takes no part. */
  async enter(contestant: Contestant, setup: Setup): Promise<void> {
    try {
      const { value } = await contestant.load(setup);
      this.entrants.push({ contestant, setup, loaded: value, readMs: Infinity });
    } catch (error) {
      this.rules.say(`  ${contestant.name} does not load: ${firstLine(error)}`);
    }
  }

  /** Everything the plans ask for. Engines that fail or answer wrongly take no further part. */
  async run(): Promise<void> {
    await this.check();
    if (this.entrants.length === 0) return;
    await this.load();
    await this.read();
    const contexts = new Set(this.entrants.flatMap((entrant) => this.planOf(entrant).contexts));
    for (const context of [...contexts].sort((a, b) => a - b)) await this.decode(context);
  }

  /** The engine's name and level, for records made elsewhere. */
  record(
    contestant: Contestant,
    work: WorkName,
    unit: BenchRecord["unit"],
    values: readonly number[],
    tokens = 0,
    context = 0,
  ): void {
    const entrant = this.entrants.find((one) => one.contestant.name === contestant.name)!;
    const { name, quant } = this.model;
    const backend = contestant.name === "llama.cpp" ? "native" : this.rules.backend;
    const { threads, level } = entrant.loaded;
    const made = { engine: contestant.name, backend, model: name, quant, work, tokens, context, threads, level } as const;
    this.records.push({ ...made, ...spread(values), unit });
  }

  /** Models that still take part. */
  get models(): readonly Contestant[] {
    return this.entrants.filter(isModel).map(({ contestant }) => contestant);
  }

  private planOf({ contestant }: Pick<Entrant, "contestant">): ReturnType<typeof planFor> {
    return planFor(contestant.name, this.model, this.rules.scope, this.rules.software);
  }

  /** Tokens of an engine's usual prompt, fewer where it would read them for longer. */
  promptReadWithin(milliseconds: number, { name }: Contestant): number {
    const entrant = this.entrants.find(({ contestant }) => contestant.name === name)!;
    return Math.max(8, Math.min(this.planOf(entrant).prefill, Math.floor(milliseconds / entrant.readMs)));
  }

  /** Outputs come before speed: three questions of four have to go on as the judge has it. */
  private async check(): Promise<void> {
    const first = new Map<string, string[]>();
    const trusted: string[] = [];
    for (const question of QUESTIONS) {
      const prompt = await this.prompts.of(question);
      trusted.push((await this.judge.complete(prompt, 4)).value.text);
      await this.everyone(async ({ contestant }) => {
        const { value } = await contestant.complete(prompt, 4);
        if (value.completionTokens !== 4) throw new Error(`it gave ${value.completionTokens} tokens of 4`);
        first.set(contestant.name, [...(first.get(contestant.name) ?? []), value.text]);
      });
    }
    for (const [name, texts] of [...first].filter(([, texts]) => texts.some((text) => text !== ""))) {
      const same = texts.filter((text, index) => firstWord(text) === firstWord(trusted[index]!)).length;
      if (same >= QUESTIONS.length - 1) continue; // weights of 4 bits leave near ties
      this.rules.say(`  ${name} answers wrongly and is not timed: ${JSON.stringify(texts)} for ${JSON.stringify(trusted)}`);
      await this.dismiss(name);
    }
  }

  /** From the engine's own store to ready. */
  private async load(): Promise<void> {
    const only = new Set(this.entrants.filter(isModel));
    await this.rounds({ name: "load", unit: "ms", tokens: () => 0, only }, async ({ contestant, setup }) => {
      await contestant.unload();
      return (await contestant.load(setup)).milliseconds;
    });
  }

  /** Prompts: how long the first token of the answer lets wait, and how fast a long one is read. Weights are in memory. */
  private async read(): Promise<void> {
    const rates = new Map<Entrant, number[]>();
    const ask = async (entrant: Entrant, length: number): Promise<number> => {
      const { value, milliseconds } = await entrant.contestant.complete(await this.prompts.fresh(length), 1);
      const read = value.promptTokens - value.cachedTokens;
      entrant.readMs = Math.min(entrant.readMs, milliseconds / read);
      rates.set(entrant, [...(rates.get(entrant) ?? []), (read * 1000) / milliseconds]);
      return milliseconds;
    };
    await this.rounds({ name: "first token", unit: "ms", tokens: () => FIRST_TOKEN_PROMPT }, (entrant) =>
      ask(entrant, FIRST_TOKEN_PROMPT),
    );
    const tokens = (entrant: Entrant): number => this.planOf(entrant).prefill;
    const isMeasured = (entrant: Entrant): boolean => tokens(entrant) === FIRST_TOKEN_PROMPT;
    for (const entrant of this.entrants.filter(isMeasured)) {
      this.record(entrant.contestant, "prefill", "tokens/s", rates.get(entrant) ?? [], FIRST_TOKEN_PROMPT);
    }
    const only = new Set(this.entrants.filter((entrant) => !isMeasured(entrant)));
    await this.rounds({ name: "prefill", unit: "tokens/s", tokens, only }, async (entrant) => {
      await ask(entrant, tokens(entrant));
      return rates.get(entrant)!.at(-1)!;
    });
  }

  /** The context is read once; every repetition finds it in the KV cache and reads its last token again. */
  private async decode(context: number): Promise<void> {
    const prompt = await this.prompts.beginning(Math.max(1, context));
    const only = await this.fill(context, prompt);
    const bandwidths: number[] = [];
    const beside = async (): Promise<void> => {
      const bandwidth = context === 0 ? await this.readMemory() : null;
      if (bandwidth !== null) bandwidths.push(bandwidth);
    };
    const tokens = (entrant: Entrant): number => this.planOf(entrant).decode;
    await this.rounds({ name: "decode", unit: "tokens/s", tokens, context, only, beside }, async (entrant) => {
      const answer = await entrant.contestant.complete(prompt, tokens(entrant));
      this.expectReuse(entrant, answer, prompt, tokens(entrant));
      return (tokens(entrant) * 1000) / answer.milliseconds;
    });
    if (bandwidths.length > 0) this.shareOf(bandwidths);
  }

  /** Reads a context into the caches of those whose plan has it. */
  private async fill(context: number, prompt: Prompt): Promise<ReadonlySet<Entrant>> {
    const filled = new Set<Entrant>();
    await this.everyone(async (entrant) => {
      if (!this.planOf(entrant).contexts.includes(context)) return;
      const expectedMs = context * entrant.readMs;
      if (this.rules.scope !== "full" && expectedMs > LONGEST_FILL_MS) {
        const minutes = (expectedMs / 60_000).toFixed(0);
        this.rules.say(`  ${entrant.contestant.name} would read ${context} tokens for ${minutes} minutes: left to --full`);
        return;
      }
      await entrant.contestant.complete(prompt, 1);
      filled.add(entrant);
    });
    return filled;
  }

  private expectReuse({ contestant }: Entrant, { value }: Timed<Answer>, prompt: Prompt, tokens: number): void {
    if (value.completionTokens !== tokens) throw new Error(`it gave ${value.completionTokens} tokens of ${tokens}`);
    const read = value.promptTokens - value.cachedTokens;
    if (contestant.name === "onnxruntime-web" || read <= 8) return;
    throw new Error(`it read ${read} of ${prompt.ids.length} tokens again`);
  }

  /** How much of the bandwidth that the page reaches by reading alone goes into weights. */
  private shareOf(bandwidths: readonly number[]): void {
    const { name: model, quant, bytesPerToken } = this.model;
    const { backend, threads } = this.rules;
    const page = { engine: "page", backend, model, quant, work: "bandwidth", tokens: 0, context: 0, level: "read" } as const;
    const speeds = spread(bandwidths.map((each) => each / 1e9));
    this.records.push({ ...page, threads: backend === "wasm" ? threads : 0, ...speeds, unit: "GB/s" });
    for (const { contestant } of this.entrants.filter(isModel)) {
      const decode = this.records.find(({ engine, work }) => engine === contestant.name && work === "decode");
      if (!decode) continue;
      const shares = [decode.min, decode.median, decode.max].map((each) => (each * bytesPerToken * 1e-7) / speeds.median);
      this.record(contestant, "bandwidth share", "%", shares, decode.tokens);
    }
  }

  /** Repetitions of a work, engines taking turns, each round begun by another one. One record for each engine. */
  private async rounds(work: Work, once: (entrant: Entrant) => Promise<number>): Promise<void> {
    const { name, unit, tokens, context = 0, only, beside } = work;
    const title = name === "decode" ? `${name} at ${context}` : name;
    if (performance.now() > this.rules.deadline) {
      this.rules.say(`  out of time: ${title} is left out`);
      return;
    }
    const values = new Map<Entrant, number[]>();
    for (let round = 0; round < repetitionsOf(this.rules.scope); round++) {
      await this.everyone(async (entrant) => {
        if (only && !only.has(entrant)) return;
        const value = await once(entrant);
        values.set(entrant, [...(values.get(entrant) ?? []), value]);
      });
      await beside?.();
    }
    const measured = this.entrants.filter((entrant) => values.has(entrant));
    for (const entrant of measured) {
      this.record(entrant.contestant, name, unit, values.get(entrant)!, tokens(entrant), context);
    }
    const medians = measured.map((entrant) => `${entrant.contestant.name} ${digits(spread(values.get(entrant)!).median)}`);
    if (medians.length > 0) this.rules.say(`  ${title} (${unit}): ${medians.join(", ")}`);
  }

  /** Calls each entrant in turn; one that throws takes no further part. */
  private async everyone(act: (entrant: Entrant) => Promise<void>): Promise<void> {
    const first = this.turn++ % Math.max(1, this.entrants.length);
    for (const entrant of [...this.entrants.slice(first), ...this.entrants.slice(0, first)]) {
      try {
        await act(entrant);
      } catch (error) {
        this.rules.say(`  ${entrant.contestant.name} fails: ${firstLine(error)}`);
        await this.dismiss(entrant.contestant.name);
      }
    }
  }

  private async dismiss(name: string): Promise<void> {
    const entrant = this.entrants.find(({ contestant }) => contestant.name === name);
    this.entrants = this.entrants.filter((other) => other !== entrant);
    await entrant?.contestant.unload().catch(() => undefined);
  }
}

/** Not bare products, whose weights are those of one layer: they neither load a model nor hold one. */
function isModel({ contestant }: Pick<Entrant, "contestant">): boolean {
  return contestant.name !== "onnxruntime-web";
}

function firstWord(text: string): string {
  return /^\s*([\p{L}\p{N}]+|\S)/u.exec(text)?.[0] ?? text;
}

/** What an error says, in short. */
export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0]!;
}
