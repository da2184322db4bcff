// The address of a server of one's own, as people write it, and as it is asked.
import { EngineError } from "../../workers/engine/base/errors.ts";

/** "localhost:8080" and "http://localhost:8080/v1/" become "http://localhost:8080/v1". Throws `bad_request`. */
export function serverBase(text: string): string {
  const written = text.trim();
  const local = /^(localhost|127\.|10\.|192\.168\.|\[)/.test(written);
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `${local ? "http" : "https"}://${written}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (!url || !/^https?:$/.test(url.protocol) || written === "")
    throw new EngineError("bad_request", `“${written}” is no address of a server.`, "Such as http://localhost:8080/v1.");
  if (url.username || url.password)
    throw new EngineError("bad_request", "A password does not belong into the address.", "Put the key into its own field.");
  const path = url.pathname.replace(/\/+$/, "");
  return url.origin + (path === "" ? "/v1" : path);
}

/** The part of an address that people know it by: "localhost:8080". */
export function hostOf(base: string): string {
  return URL.canParse(base) ? new URL(base).host : base;
}
