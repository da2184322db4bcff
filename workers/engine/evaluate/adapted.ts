// A model as it answers with adapters: to be judged like any other, and beside itself without them.
import type { AdapterUse } from "../base/adapters.ts";
import type { Judge } from "./evaluate.ts";

/** The same model, with these adapters in every request. */
export function adapted(judge: Judge, uses: readonly AdapterUse[]): Judge {
  if (uses.length === 0) return judge;
  const adapters = uses.map(({ id, scale = null }) => ({ id, scale }));
  return {
    info: judge.info,
    tokenize: (text, options) => judge.tokenize(text, options),
    score: (request, options) => judge.score({ ...request, adapters }, options),
    completions: { create: (request, options) => judge.completions.create({ ...request, adapters }, options) },
  };
}
