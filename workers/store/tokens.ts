// Access tokens for hosts, kept where the person asks for it: in this browser's storage, as text, like a password in a file.
import { factKeys, recall, remember } from "./facts.ts";
import type { Token } from "./http.ts";

const PREFIX = "token:";

/** Keeps a token for an origin; null forgets it. */
export async function keepToken(origin: string, token: string | null): Promise<void> {
  await remember(PREFIX + origin, token);
}

/** Origins for which a token is kept. */
export async function tokenOrigins(): Promise<string[]> {
  return (await factKeys(PREFIX)).map((key) => key.slice(PREFIX.length));
}

/** The token for the host of a URL: the given one, else the kept one. None for hosts that would read it over an open line. */
export async function tokenFor(url: string, given: string | null): Promise<Token | null> {
  const { origin, protocol, hostname } = new URL(url);
  if (protocol !== "https:" && hostname !== "localhost" && hostname !== "127.0.0.1") return null;
  const value = given ?? (await recall(PREFIX + origin));
  return typeof value === "string" && value !== "" ? { origin, value } : null;
}
