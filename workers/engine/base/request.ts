// What every check of a request needs: objects from outside, and the refusal of what is none.
import { EngineError } from "./errors.ts";

/** An object from outside, as a record of its own properties. Throws `bad_request`, naming `what`. */
export function recordOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badRequest(`${what} must be an object.`);
  return Object.fromEntries(Object.entries(value));
}

/** The refusal of a parameter. */
export function badRequest(message: string): EngineError {
  return new EngineError("bad_request", message, "Change this parameter, or leave it out.");
}
