// Models changed in one place, for tests.
import type { Model } from "../../../../workers/engine/base/model.ts";

/** The same model, every token seeing no more than `window` positions. */
export function withWindow(model: Model, window: number): Model {
  const segments = model.segments.map((segment) => ({
    ...segment,
    steps: segment.steps.map((step) => (step.op === "attend" ? { ...step, window } : step)),
  }));
  return { ...model, segments };
}
