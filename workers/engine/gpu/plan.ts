// From fused segments to dispatches.
import { KERNELS } from "../../../shaders/index.ts";
import type { Tensor } from "../base/model.ts";
import { attention } from "./attention.ts";
import type { Dispatch, Parts, Rows } from "./dispatch.ts";
import { buffersOf } from "./dispatch.ts";
import { experts } from "./experts.ts";
import type { Fused, FusedSegment } from "./fuse.ts";
import { normOf } from "./fuse.ts";
import { embedding, linear, norm, quantize, takesIntegers } from "./linear.ts";
import { PICKED } from "./memory.ts";

/** The dispatches of every segment, for any number of tokens. */
export function planRows(parts: Parts, segments: readonly FusedSegment[]): Record<Rows, Dispatch[][]> {
  return {
    one: planSegments(parts, segments, "one"),
    few: planSegments(parts, segments, "few"),
    many: planSegments(parts, segments, "many"),
  };
}

/** The dispatches of every segment, for so many tokens. */
function planSegments(parts: Parts, segments: readonly FusedSegment[], rows: Rows): Dispatch[][] {
  const steps = segments.flatMap((segment) => segment.steps);
  return segments.map((segment) =>
    segment.steps.flatMap((step, i) => dispatchesOf(parts, step, segment.steps[i - 1], steps, rows)),
  );
}

/** Picking a token from the logits of the last one: the best, or one at random. */
export function planPick({ programs, memory, shape }: Parts, how: "greedy" | "draw"): Dispatch {
  const program = programs.program(KERNELS[how], { VOCAB: shape.vocab, PICKED });
  return { program, buffers: buffersOf(memory), grid: [1, 1, 1], merges: false };
}

function dispatchesOf(parts: Parts, step: Fused, before: Fused | undefined, steps: readonly Fused[], rows: Rows): Dispatch[] {
  if (step.op === "attend") return attention(parts, step, rows);
  const next = nextNorm(steps, step);
  if (step.op === "experts") return experts(parts, step, next, rows);
  if (step.op === "embed") return embedding(parts, step.matrix, next);
  const map = linear(parts, step, next, rows);
  // What a neighbour has prepared of the same input need not be done again.
  const neighbour = before?.op === "linear" && before.in === step.in && before.norm?.weight === step.norm?.weight ? before : null;
  const prepared = [];
  if (rows !== "one" && step.norm && !neighbour) prepared.push(norm(parts, step.norm));
  if (takesIntegers(parts, step, rows) && !(neighbour && takesIntegers(parts, neighbour, rows)))
    prepared.push(quantize(parts, step));
  return [...prepared, ...map];
}

/** Weight of the first norm after a step: what the step writes to the residual is prepared for it. */
function nextNorm(steps: readonly Fused[], step: Fused): Tensor | null {
  const later = steps.slice(steps.indexOf(step) + 1);
  return later.flatMap((other) => normOf(other)?.weight ?? [])[0] ?? null;
}
