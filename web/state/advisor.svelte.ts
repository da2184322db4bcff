// Which model suits this device: predictions by model, the person's budget, and the best of the catalogue within it.
import type { Advice, Budget, ModelSketch } from "../../workers/engine/base/advice.ts";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { CatalogueEntry } from "../../workers/engine/base/wire.ts";
import { recommend } from "../lib/recommend.ts";
import type { Engine } from "./engine.ts";
import type { Model } from "./model.svelte.ts";

/** How fast an answer has to come, in tokens a second: patiently, as fast as one reads, faster than that. */
export const PACES = { best: 3, balanced: 8, fast: 25 } as const;
export type Pace = keyof typeof PACES;

export class Advisor {
  /** By model id; "id:Q8_0" for another quantization of it. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- replaced as a whole, never changed
  advice = $state.raw<ReadonlyMap<string, Advice>>(new Map());
  measuring = $state(false);
  error = $state.raw<ErrorRecord | null>(null);
  pace = $state<Pace>("balanced");
  /** At most so much memory; null for what the device has. */
  memoryBytes = $state<number | null>(null);
  readonly budget: Budget = $derived({ memoryBytes: this.memoryBytes, tokensPerSecond: PACES[this.pace] });
  /** Those of the catalogue that can be had and answer. */
  readonly #offered = $derived.by(() =>
    this.model.catalogue
      .filter(({ use, urls }) => use === "chat" && urls.length > 0)
      .flatMap(sketchesOf)
      .flatMap(({ id }) => this.advice.get(id) ?? []),
  );
  /** The best of the catalogue for this device and budget; null before it was measured, or where nothing fits. */
  readonly recommended = $derived(recommend(this.#offered, this.budget));

  #last: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(
    private readonly engine: Engine,
    private readonly model: Model,
  ) {}

  /**
   * Foretells everything in the catalogue; measures the device before, where that was not done yet or is to be done `again`. What is
   * recommended of each model comes first: its other quantizations want more to be measured.
   */
  async consider(again = false): Promise<void> {
    if (this.measuring) return;
    const sketches = this.model.catalogue.map(sketchesOf);
    await this.#ask(
      sketches.flatMap(([first]) => first ?? []),
      again,
    );
    if (this.error === null) await this.#ask(sketches.flat(), false);
  }

  /** Foretells other models, and gives the advice on them. */
  async ask(sketches: readonly ModelSketch[]): Promise<readonly Advice[]> {
    await this.#ask(sketches, false);
    return sketches.flatMap(({ id }) => this.advice.get(id) ?? []);
  }

  /** Looks into a model by its address, reading its header. */
  async lookInto(address: string): Promise<Advice | null> {
    const [advice] = await this.engine.advise([address]);
    return advice ?? null;
  }

  /** One after the other: each may have to measure. */
  #ask(sketches: readonly ModelSketch[], again: boolean): Promise<void> {
    if (sketches.length === 0) return this.#last;
    this.#pending++;
    this.measuring = true;
    this.#last = this.#last.then(() => this.#askNow(sketches, again));
    return this.#last;
  }

  async #askNow(sketches: readonly ModelSketch[], again: boolean): Promise<void> {
    this.error = null;
    try {
      const found = await this.engine.advise($state.snapshot(sketches), { again });
      // eslint-disable-next-line svelte/prefer-svelte-reactivity -- likewise
      this.advice = new Map([...this.advice, ...found.map((advice): [string, Advice] => [advice.id, advice])]);
    } catch (error) {
      this.error = EngineError.record(error);
    } finally {
      this.measuring = --this.#pending > 0;
    }
  }
}

/** An entry of the catalogue in each of its quantizations, the recommended one first. A demonstration is nothing to be weighed. */
export function sketchesOf(entry: CatalogueEntry): ModelSketch[] {
  if (entry.use === "demonstration") return [];
  const { id, name, parameters, contextLength } = entry;
  const of = (key: string, { quantization, sizeBytes }: { quantization: string; sizeBytes: number }): ModelSketch => ({
    id: key,
    name,
    quantization,
    parameters,
    sizeBytes,
    contextLength,
  });
  return [of(id, entry), ...entry.variants.map((file) => of(`${id}:${file.quantization}`, file))];
}
