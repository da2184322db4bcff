// What the person has set, in localStorage: read before the first paint, checked field by field.

export type Theme = "system" | "light" | "dark";
export type Backend = "auto" | "webgpu" | "wasm";

/** Null takes the model's own default. */
export interface Preferences {
  readonly theme: Theme;
  readonly system: string | null;
  readonly temperature: number | null;
  readonly topK: number | null;
  readonly topP: number | null;
  readonly minP: number | null;
  readonly repeatPenalty: number | null;
  readonly maxTokens: number | null;
  readonly seed: number | null;
  readonly backend: Backend;
  readonly contextLength: number | null;
  /** How one model's prompts are made, where the person knows better than its file. */
  readonly promptFormat: { readonly model: string; readonly format: string } | null;
  /** Catalogue id or URL of the model to load on the next visit. */
  readonly model: string | null;
}

export type NumberField = "temperature" | "topK" | "topP" | "minP" | "repeatPenalty" | "maxTokens" | "seed" | "contextLength";

/** What a number may be: [least, most, step]. */
export const RANGES: Readonly<Record<NumberField, readonly [least: number, most: number, step: number]>> = {
  temperature: [0, 2, 0.05],
  topK: [0, 200, 1],
  topP: [0, 1, 0.01],
  minP: [0, 1, 0.01],
  repeatPenalty: [0.5, 2, 0.01],
  maxTokens: [1, 1_000_000, 1],
  seed: [0, 4_294_967_295, 1],
  contextLength: [64, 1_000_000, 64],
};

export const DEFAULT_PREFERENCES: Preferences = {
  theme: "system",
  system: null,
  temperature: null,
  topK: null,
  topP: null,
  minP: null,
  repeatPenalty: null,
  maxTokens: null,
  seed: null,
  backend: "auto",
  contextLength: null,
  promptFormat: null,
  model: null,
};

/** public/theme.js reads the same key. */
export const PREFERENCES_KEY = "cria-preferences";

/** The stored preferences; a field that is missing or makes no sense takes its default. */
export function readPreferences(text: string | null): Preferences {
  const stored = parse(text);
  const oneOf = <T extends string>(value: unknown, choices: readonly T[], otherwise: T): T =>
    choices.find((choice) => choice === value) ?? otherwise;
  const number = (field: NumberField): number | null => {
    const value = stored[field];
    const [least, most] = RANGES[field];
    return typeof value === "number" && value >= least && value <= most ? value : null;
  };
  return {
    theme: oneOf(stored.theme, ["system", "light", "dark"], "system"),
    system: typeof stored.system === "string" ? stored.system : null,
    temperature: number("temperature"),
    topK: number("topK"),
    topP: number("topP"),
    minP: number("minP"),
    repeatPenalty: number("repeatPenalty"),
    maxTokens: number("maxTokens"),
    seed: number("seed"),
    backend: oneOf(stored.backend, ["auto", "webgpu", "wasm"], "auto"),
    contextLength: number("contextLength"),
    promptFormat: choiceOf(stored.promptFormat),
    model: typeof stored.model === "string" ? stored.model : null,
  };
}

function choiceOf(value: unknown): Preferences["promptFormat"] {
  if (typeof value !== "object" || value === null || !("model" in value) || !("format" in value)) return null;
  const { model, format } = value;
  return typeof model === "string" && typeof format === "string" ? { model, format } : null;
}

function parse(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {}; // written by hand or by another program: the defaults serve
  }
}
