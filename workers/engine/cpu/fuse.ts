// From the steps of a segment to the ops the kernels know: products of the same input become one, gate and up a pair.
import { assert } from "../base/errors.ts";
import type { Activation, Attend, Embed, Experts, Linear, Segment, Tensor } from "../base/model.ts";

/** Outputs of one input, computed in one walk over their rows. */
export interface Product {
  readonly op: "product";
  readonly in: "hidden" | "attended" | "gate";
  readonly norm: Linear["norm"] | undefined;
  readonly parts: readonly Part[];
}

/** A weight, and what is added to what it gives. */
export interface Matrix {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

/** One matrix, or a gate with its up. */
export interface Part extends Matrix {
  readonly then: "store" | "rope" | "add" | "pair";
  readonly out: Activation;
  /** The second matrix of a pair. */
  readonly up: Matrix | null;
}

export type FusedOp = Embed | Attend | Experts | Product;

/** The ops of a segment, in order. */
export function fuse({ steps }: Segment): FusedOp[] {
  const ops: FusedOp[] = [];
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    if (step.op !== "linear") {
      ops.push(step);
      continue;
    }
    const parts: Part[] = [];
    let j = i;
    for (let next = steps[j]; next?.op === "linear" && sameInput(step, next); next = steps[j]) {
      const up = steps[j + 1];
      const pair = next.out === "gate" && up?.op === "linear" && up.then === "silu_multiply" && sameInput(step, up);
      assert(pair || (next.then !== "silu_multiply" && next.out !== "gate"), "A gate is followed by its up.");
      parts.push({ ...matrixOf(next), then: pair ? "pair" : thenOf(next), out: next.out, up: pair ? matrixOf(up) : null });
      j += pair ? 2 : 1;
      if (next.then === "add") break; // what follows reads the sum
    }
    assert(step.in === "hidden" || step.in === "attended" || step.in === "gate", `Nothing reads ${step.in}.`);
    ops.push({ op: "product", in: step.in, norm: step.norm, parts });
    i = j - 1;
  }
  return ops;
}

/** The matrices of a product, in the order their parts are written. */
export function matricesOf({ parts }: Product): Matrix[] {
  return parts.flatMap((part) => (part.up ? [part, part.up] : [part]));
}

function matrixOf({ weight, bias }: Linear): Matrix {
  return { weight, bias: bias ?? null };
}

function thenOf(step: Linear): "store" | "rope" | "add" {
  assert(step.then !== "silu_multiply", "A gate comes before its up.");
  return step.then;
}

function sameInput(a: Linear, b: Linear): boolean {
  return a.in === b.in && a.norm?.weight.name === b.norm?.weight.name && a.norm?.epsilon === b.norm?.epsilon;
}
