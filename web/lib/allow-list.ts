// The sites that may show Cria in their pages: public/embed.json, read by the build for its headers and by the frame for every host.
import { EngineError } from "../../workers/engine/base/errors.ts";

/** What one site, or all that a pattern names, may do. */
export interface Site {
  /** "https://shop.example", "https://*.shop.example", "http://localhost:*", or "*" for every site. */
  readonly origin: string;
  /** Ids of the catalogue, addresses, or beginnings of them that end in "*"; "*" for every model. */
  readonly models: readonly string[];
  /** Tokens a visitor's device computes for the site in a day; null for no limit. */
  readonly budgetTokens: number | null;
}

export type AllowList = readonly Site[];

const ORIGIN = /^(?:\*|https?:\/\/(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::(?:\d{1,5}|\*))?)$/;
const FIELDS = ["origin", "models", "budgetTokens"];

/** The list that a file holds. Throws `bad_request`, naming the place, where anything in it is not as described: a typo must not open doors. */
export function readAllowList(file: unknown): AllowList {
  const { sites, ...others } = fieldsOf(file, "embed.json");
  refuseOthers(others, [], "embed.json");
  if (!Array.isArray(sites)) throw wrong("sites", "a list of sites");
  return sites.map((site: unknown, index) => readSite(site, `sites[${index}]`));
}

/** What the first line that names an origin allows it; null where none does. "null", the origin of sandboxed pages and files, is only in "*". */
export function siteOf(list: AllowList, origin: string): Site | null {
  return list.find((site) => isNamed(origin, site.origin)) ?? null;
}

/** Whether a site may use a model: its id, or an address that it may come from. */
export function allowsModel(site: Site, model: string): boolean {
  return site.models.some((name) => (name.endsWith("*") ? model.startsWith(name.slice(0, -1)) : model === name));
}

/** The list as a `frame-ancestors` directive says it; the app's own pages may always show the frame. */
export function frameAncestors(list: AllowList): string {
  return list.some(({ origin }) => origin === "*") ? "*" : ["'self'", ...list.map(({ origin }) => origin)].join(" ");
}

function readSite(value: unknown, place: string): Site {
  const site = fieldsOf(value, place);
  refuseOthers(site, FIELDS, place);
  const { origin, models, budgetTokens = null } = site;
  if (typeof origin !== "string" || !ORIGIN.test(origin))
    throw wrong(`${place}.origin`, 'an origin such as "https://shop.example", without a path, or "*"');
  if (!Array.isArray(models) || !models.every((model) => typeof model === "string" && /^[^*\s]*\*?$/.test(model) && model !== ""))
    throw wrong(`${place}.models`, 'a list of ids and addresses, or ["*"]');
  if (budgetTokens !== null && !(typeof budgetTokens === "number" && Number.isSafeInteger(budgetTokens) && budgetTokens > 0))
    throw wrong(`${place}.budgetTokens`, "a whole number of tokens, or null");
  return { origin, models, budgetTokens };
}

function isNamed(origin: string, pattern: string): boolean {
  if (pattern === "*" || pattern === origin) return true;
  if (!URL.canParse(origin)) return false;
  const [, scheme, below, host, port] = /^(https?:)\/\/(\*\.)?([^:]+)(?::(.+))?$/.exec(pattern)!;
  const url = new URL(origin);
  // As browsers read frame-ancestors: "*.shop.example" names what is below it, and not the domain itself.
  const isHost = below ? url.hostname.endsWith(`.${host}`) : url.hostname === host;
  return url.protocol === scheme && isHost && (port === "*" || (port ?? "") === url.port);
}

function fieldsOf(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(place, "an object");
  return { ...value };
}

function refuseOthers(fields: Record<string, unknown>, known: readonly string[], place: string): void {
  const other = Object.keys(fields).find((name) => !known.includes(name));
  if (other !== undefined) throw wrong(`${place}.${other}`, "left out: there is no such field");
}

function wrong(place: string, expected: string): EngineError {
  return new EngineError(
    "bad_request",
    `In the list of sites that may show Cria, ${place} has to be ${expected}.`,
    "Mend public/embed.json.",
  );
}
