// What a page and the frame in it say to each other, as data; both ends check every message field by field.
// The two meet over window messages ("hello", "connect"); from then on everything goes through the MessageChannel of "connect".
import { ERROR_CODES } from "../../workers/engine/base/errors.ts";

/** Goes up with changes that an older end would misunderstand. */
export const VERSION = 1;

/** Longest texts, in characters. */
export const LONGEST = { question: 16_000, context: 200_000, system: 8_000, line: 400, list: 6 } as const;

/** What of the theme crosses: the names of custom properties, without "--cria-". */
export const THEME = ["accent", "on-accent", "background", "text", "radius", "font"] as const;
export type ThemeName = (typeof THEME)[number];

type Check<T> = (value: unknown) => value is T;
type Checked<C> = C extends Check<infer T> ? T : never;

const text =
  (most: number): Check<string> =>
  (value): value is string =>
    typeof value === "string" && value.length <= most;
const flag: Check<boolean> = (value): value is boolean => typeof value === "boolean";
const count: Check<number> = (value): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const oneOf =
  <const T extends string | number>(...words: readonly T[]): Check<T> =>
  (value): value is T =>
    words.some((word) => word === value);
const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value): value is T | null =>
    value === null || check(value);
const list =
  <T>(check: Check<T>, most: number): Check<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.length <= most && value.every(check);
/** Exactly these fields: what nobody reads is not let through either. */
const record =
  <const F extends Record<string, Check<unknown>>>(fields: F): Check<{ readonly [K in keyof F]: Checked<F[K]> }> =>
  (value): value is { readonly [K in keyof F]: Checked<F[K]> } => {
    if (typeof value !== "object" || value === null) return false;
    const found = Object.entries(value);
    return (
      found.length === Object.keys(fields).length &&
      found.every(([name, field]) => Object.hasOwn(fields, name) && fields[name]!(field))
    );
  };
const either =
  <C extends readonly Check<unknown>[]>(...checks: C): Check<Checked<C[number]>> =>
  (value): value is Checked<C[number]> =>
    checks.some((check) => check(value));

const line = text(LONGEST.line);

const isConfig = record({
  /** Catalogue id or address; "" for the deployment's first. */
  model: line,
  system: text(LONGEST.system),
  greeting: line,
  heading: line,
  placeholder: line,
  suggestions: list(line, LONGEST.list),
  /** A language tag; "" for the visitor's own. */
  language: line,
  scheme: oneOf("light", "dark"),
  display: oneOf("button", "inline"),
  context: text(LONGEST.context),
  contextLabel: line,
  /** Tokens a day; null for what the deployment allows. */
  budget: orNull(count),
  /** As the page's style sheet has them: the frame believes none before it has looked. */
  theme: (value): value is Readonly<Partial<Record<ThemeName, string>>> =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(value).every(([name, set]) => oneOf(...THEME)(name) && line(set)),
});
/** What the page wishes the widget to be. */
export type Config = Checked<typeof isConfig>;

/** The frame's first word, to whoever is around it: it says nothing but that it is there. */
export const isHello = record({ cria: oneOf(VERSION), type: oneOf("hello") });
/** The page's answer; it carries the port. */
export const isConnect = record({ cria: oneOf(VERSION), type: oneOf("connect"), config: isConfig });

/** From the page. */
export const isToFrame = either(
  record({ type: oneOf("configure"), config: isConfig }),
  record({ type: oneOf("ask"), id: text(40), text: text(LONGEST.question) }),
  record({ type: oneOf("stop") }),
  record({ type: oneOf("reset") }),
  record({ type: oneOf("shown"), shown: flag, focus: flag }),
);
export type ToFrame = Checked<typeof isToFrame>;

/** What the widget is doing. */
export const STATES = ["closed", "connecting", "asking", "declined", "loading", "ready", "answering", "failed"] as const;
export type WidgetState = (typeof STATES)[number];

/** From the frame. `id` names one of the page's own questions; null marks what a visitor shared. */
export const isFromFrame = either(
  record({ type: oneOf("state"), state: oneOf(...STATES) }),
  record({ type: oneOf("ready"), model: text(200), backend: text(20), threads: count }),
  record({ type: oneOf("token"), id: text(40), text: text(100_000) }),
  record({
    type: oneOf("message"),
    id: orNull(text(40)),
    role: oneOf("user", "assistant"),
    text: text(1_000_000),
    tokens: count,
  }),
  record({
    type: oneOf("error"),
    id: orNull(text(40)),
    error: record({ code: oneOf(...ERROR_CODES), message: text(2_000), hint: text(2_000) }),
  }),
  record({ type: oneOf("close") }),
);
export type FromFrame = Checked<typeof isFromFrame>;
