// Whether an adapter fits a model: every weight it changes is there, as wide and as high as its matrices say.
import type { Adapter, LowRank } from "../base/adapter.ts";
import type { Model, Tensor } from "../base/model.ts";
import type { LoraContents } from "./contents.ts";
import { unfit } from "./errors.ts";

/** The linear maps of a model, by name. */
export function mapsOf(model: Model): ReadonlyMap<string, Tensor> {
  const steps = model.segments.flatMap((segment) => segment.steps);
  return new Map(steps.flatMap((step) => (step.op === "linear" ? [[step.weight.name, step.weight] as const] : [])));
}

/** A LoRA as backends take it. Throws `bad_file` where it is for another model, or changes what only a merge can. */
export function loraFor(model: Model, { changes }: LoraContents): Adapter {
  const maps = mapsOf(model);
  for (const [name, change] of changes) {
    if (name === "token_embd.weight") {
      throw unfit("it changes the embedding, which works only merged into the model");
    }
    const weight = maps.get(name);
    if (!weight) throw unfit(`the model has no weight ${name} of its own`);
    checkChange(name, change, weight);
  }
  return { lowRank: changes, prompts: new Map() };
}

/** Throws `bad_file` where a change is not as large as its weight. */
export function checkChange(name: string, { a, b, rank }: LowRank, { rows, cols }: Pick<Tensor, "rows" | "cols">): void {
  const [inputs, outputs] = [a.length / rank, b.length / rank];
  if (inputs === cols && outputs === rows) return;
  throw unfit(`${name} is changed as ${outputs} x ${inputs}, and is ${rows} x ${cols}`);
}
