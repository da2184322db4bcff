// What the person has set, kept between visits and the same in every tab.
import type { SamplingParameters } from "../../workers/engine/base/openai.ts";
import type { ModelDefaults } from "../../workers/engine/base/wire.ts";
import { DEFAULT_PREFERENCES, PREFERENCES_KEY, readPreferences, type Preferences } from "../lib/preferences.ts";

/** Where preferences rest: localStorage, or nothing where the browser forbids it. */
export type PreferenceStore = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** What is used where neither the person nor the model says anything. */
export const COMMON_SAMPLING = { temperature: 0.7, topK: 40, topP: 0.95, minP: 0.05, repeatPenalty: 1 } as const;

export class Settings {
  values = $state.raw<Preferences>(DEFAULT_PREFERENCES);
  /** What the loaded model recommends; null without one. */
  recommended = $state.raw<ModelDefaults | null>(null);
  /** What holds where nothing is set. */
  readonly defaults = $derived({
    system: this.recommended?.system ?? "",
    ...COMMON_SAMPLING,
    ...this.recommended?.sampling,
  });
  readonly system = $derived(this.values.system ?? this.defaults.system);
  /** True where anything differs from the model's defaults. */
  readonly changed = $derived(
    ([...SAMPLING_FIELDS, "system", "maxTokens", "seed"] as const).some((field) => this.values[field] !== null),
  );

  constructor(private readonly store: PreferenceStore | null) {
    this.reread();
  }

  /** Sets some values and keeps them. Null goes back to the model's default. */
  set(changes: Partial<Preferences>): void {
    this.values = { ...this.values, ...changes };
    this.#applyTheme();
    try {
      this.store?.setItem(PREFERENCES_KEY, JSON.stringify(this.values));
    } catch {
      // a full or forbidden store: the values hold for this visit
    }
  }

  /** Takes over what another tab has set. */
  reread(): void {
    let text: string | null = null;
    try {
      text = this.store?.getItem(PREFERENCES_KEY) ?? null;
    } catch {
      // forbidden: defaults
    }
    this.values = readPreferences(text);
    this.#applyTheme();
  }

  /** Back to what the model recommends; theme, backend and context length stay. */
  reset(): void {
    const { system, temperature, topK, topP, minP, repeatPenalty, maxTokens, seed } = DEFAULT_PREFERENCES;
    this.set({ system, temperature, topK, topP, minP, repeatPenalty, maxTokens, seed });
  }

  /** Forgets everything that was ever set. */
  forget(): void {
    this.store?.removeItem(PREFERENCES_KEY);
    this.reread();
  }

  /** The fields of a request. The seed is always given, so that an answer can be repeated. */
  request(): SamplingParameters & { readonly seed: number } {
    const { values, defaults } = this;
    return {
      temperature: values.temperature ?? defaults.temperature,
      top_k: values.topK ?? defaults.topK,
      top_p: values.topP ?? defaults.topP,
      min_p: values.minP ?? defaults.minP,
      repeat_penalty: values.repeatPenalty ?? defaults.repeatPenalty,
      ...(values.maxTokens === null ? {} : { max_tokens: values.maxTokens }),
      seed: values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0],
    };
  }

  /** The prompt format that was chosen for a model; null where it speaks for itself. */
  promptFormatOf(model: string): string | null {
    const { promptFormat } = this.values;
    return promptFormat?.model === model ? promptFormat.format : null;
  }

  #applyTheme(): void {
    if (typeof document === "undefined") return;
    const { theme } = this.values;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    // the browser's own bars follow: each of the two metas holds for what the system says, or where the person has chosen, for all
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
      const scheme = meta.dataset.scheme ?? "";
      meta.media = theme === "system" ? `(prefers-color-scheme: ${scheme})` : theme === scheme ? "all" : "not all";
    }
  }
}

const SAMPLING_FIELDS = ["temperature", "topK", "topP", "minP", "repeatPenalty"] as const;
