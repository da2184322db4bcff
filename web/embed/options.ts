// The element's properties and attributes: one line each. Frameworks set the one or the other; both are read alike, nonsense counts as none.
import type { CriaChatOptions } from "./contract.ts";
import { LONGEST } from "./messages.ts";

interface Option<T> {
  readonly attribute: string;
  /** The value that was meant; what says nothing or nonsense is the default. */
  read(value: unknown): T;
}

const text = (attribute: string, longest: number): Option<string> => ({
  attribute,
  read: (value) => (value === null || value === undefined ? "" : String(value).trim().slice(0, longest)),
});

const oneOf = <T extends string>(attribute: string, first: T, ...others: T[]): Option<T> => ({
  attribute,
  read: (value) => others.find((word) => word === value) ?? first,
});

/** Every option; the order is that of the documentation. */
export const OPTIONS: { readonly [K in keyof CriaChatOptions]: Option<CriaChatOptions[K]> } = {
  model: text("model", LONGEST.line),
  system: text("system", LONGEST.system),
  greeting: text("greeting", LONGEST.line),
  heading: text("heading", LONGEST.line),
  label: text("label", 40),
  placeholder: text("placeholder", LONGEST.line),
  suggestions: {
    attribute: "suggestions",
    read(value) {
      const items: unknown[] = Array.isArray(value) ? value : typeof value === "string" ? value.split("|") : [];
      const lines = items.map((item) => String(item).trim().slice(0, LONGEST.line));
      return lines.filter((line) => line !== "").slice(0, LONGEST.list);
    },
  },
  language: text("language", 35),
  theme: oneOf("theme", "auto", "light", "dark"),
  display: oneOf("display", "button", "inline"),
  position: oneOf("position", "bottom-right", "bottom-left", "top-right", "top-left"),
  size: oneOf("size", "medium", "small", "large"),
  context: text("context", LONGEST.context),
  contextLabel: text("context-label", LONGEST.line),
  contextFrom: text("context-from", LONGEST.line),
  budget: {
    attribute: "budget",
    read(value) {
      const tokens = Number(value === null || value === "" ? Number.NaN : value);
      return Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : null;
    },
  },
  home: text("home", 2_000),
};

export type OptionName = keyof CriaChatOptions;

/** The options' names. */
export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTIONS).filter((name): name is OptionName => name in OPTIONS);
