// Whether an adapter fits a model: every weight it changes is there, as wide and as high as its matrices say.
import type { Adapter, LowRank } from "../base/adapter.ts";
import type { Model, Tensor } from "../base/model.ts";
import type { LoraContents } from "./contents.ts";
import { unfit } from "./errors.ts";

/** The embedding and the head: one weight in many models, and only a merge can make two of it. */
const ENDS = ["token_embd.weight", "output.weight"];

/**
 * A LoRA as backends take it. Throws `bad_file` where it is for another model, or changes what only a merge can; `merging` lets the latter
 * pass.
 */
export function loraFor(model: Model, { changes }: LoraContents, { merging = false } = {}): Adapter {
  const weights = weightsOf(model);
  const embedding = weights.get("token_embd.weight");
  for (const [name, change] of changes) {
    const isTied = name === "output.weight" && !weights.has(name);
    if ((name === "token_embd.weight" || isTied) && !merging) {
      throw unfit(
        `it changes the ${isTied ? "head, which is the embedding" : "embedding"}; that works only merged into the model`,
      );
    }
    const weight = ENDS.includes(name) ? (weights.get(name) ?? embedding) : weights.get(name);
    if (!weight) throw unfit(`the model has no ${name}`);
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

/** The matrices of a model, by name. */
function weightsOf(model: Model): ReadonlyMap<string, Tensor> {
  const steps = model.segments.flatMap((segment) => segment.steps);
  return new Map(
    steps.flatMap((step) => (step.op === "linear" || step.op === "embed" ? [[step.weight.name, step.weight] as const] : [])),
  );
}
