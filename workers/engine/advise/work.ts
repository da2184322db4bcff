// What a model asks of a device: weights by type, attention, memory. Counted from its description, nothing measured.
import type { QuantName } from "../../../shaders/quant/index.ts";
import type { Model, Step, Tensor } from "../base/model.ts";

/** The work of a model. */
export interface Work {
  readonly layers: number;
  /** Weights that every token is multiplied with, by type: those of all layers, and those of the head. */
  readonly matrices: readonly { readonly type: QuantName; readonly layers: number; readonly head: number }[];
  /** Products of attention for each position a token looks back at. */
  readonly attention: number;
  /** Numbers that go into and come out of the linear maps of all layers, for one token. */
  readonly activations: number;
}

/** Counts the work of a model. */
export function workOf({ shape, segments }: Model): Work {
  const layers = new Map<QuantName, number>();
  const head = new Map<QuantName, number>();
  let activations = 0;
  for (const { steps } of segments) {
    const isLayer = steps.some(({ op }) => op === "attend");
    for (const { tensor, share } of steps.flatMap(productsOf)) {
      const { type, rows, cols } = tensor;
      const counts = isLayer ? layers : head;
      counts.set(type, (counts.get(type) ?? 0) + rows * cols * share);
      if (isLayer) activations += rows * share + cols;
    }
  }
  const types = new Set([...layers.keys(), ...head.keys()]);
  return {
    layers: shape.layers,
    matrices: [...types].map((type) => ({ type, layers: layers.get(type) ?? 0, head: head.get(type) ?? 0 })),
    attention: 2 * shape.layers * shape.heads * shape.headDim,
    activations,
  };
}

/** The matrices of a step, and the share of each that a token is multiplied with. */
function productsOf(step: Step): { readonly tensor: Tensor; readonly share: number }[] {
  if (step.op === "linear") return [{ tensor: step.weight, share: 1 }];
  if (step.op !== "experts") return [];
  const share = step.used / step.count;
  return [{ tensor: step.router, share: 1 }, ...[step.gate, step.up, step.down].map((tensor) => ({ tensor, share }))];
}
