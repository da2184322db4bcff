// The adapters a request asks for, checked on entry.
import type { AdapterRequest, AdapterUse, GateReading } from "./base/adapters.ts";
import { badRequest, recordOf } from "./base/request.ts";

/** Beyond this a text falls apart, whatever the adapter. */
const STRONGEST = 10;
const LONGEST_NAME = 200;

/** How an adapter that is to be loaded is called and read; null for what its files say. Throws `bad_request`. */
export function adapterWishes(request: AdapterRequest): { readonly id: string | null; readonly gate: GateReading | null } {
  const { files, id = null, gate = null }: Record<string, unknown> = recordOf(request, "The request");
  if (!Array.isArray(files) || files.length === 0) throw badRequest("files must be a list of at least one file.");
  if (id !== null && (typeof id !== "string" || id === "" || id.length > LONGEST_NAME)) {
    throw badRequest(`id must be a name of 1 to ${LONGEST_NAME} characters.`);
  }
  if (gate !== null && gate !== "raw" && gate !== "tanh")
    throw badRequest(`gate is ${JSON.stringify(gate)}; it can be "raw" or "tanh".`);
  return { id, gate };
}

/** Reads `adapters` of a request; absent is none. Each stands once. Throws `bad_request`. */
export function adapterUses(value: unknown): AdapterUse[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw badRequest("adapters must be a list of { id, scale }.");
  const uses = value.map((entry: unknown, index) => {
    const { id, scale = null, ...rest } = recordOf(entry, `adapters[${index}]`);
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw badRequest(`adapters[${index}] has the field ${unknown}; id and scale are known.`);
    if (typeof id !== "string" || id === "") throw badRequest(`adapters[${index}].id must be the name of a loaded adapter.`);
    if (scale === null) return { id };
    if (typeof scale === "number" && Math.abs(scale) <= STRONGEST) return { id, scale };
    throw badRequest(`adapters[${index}].scale is ${JSON.stringify(scale)}; it can be ${-STRONGEST} to ${STRONGEST}.`);
  });
  const twice = uses.find(({ id }, index) => uses.findIndex((use) => use.id === id) < index);
  if (twice) throw badRequest(`adapters has "${twice.id}" twice.`);
  return uses;
}
