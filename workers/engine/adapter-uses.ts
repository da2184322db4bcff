// The adapters a request asks for, checked on entry.
import type { AdapterUse } from "./base/adapters.ts";
import { badRequest, recordOf } from "./base/request.ts";

/** Beyond this a text falls apart, whatever the adapter. */
const STRONGEST = 10;

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
