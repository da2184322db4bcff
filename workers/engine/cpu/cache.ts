// How keys and values are kept, and what they take.
import type { Model } from "../base/model.ts";
import { isVector, layoutOf } from "./layouts.ts";

/** How keys and values are kept, with bytes of each: halves of bias 20 (assembly/half.ts), or floats. */
export const CACHE_FORMS = { half20: 2, f32: 4 } as const;
export type CacheForm = keyof typeof CACHE_FORMS;

/** A layer's cache. */
export interface Cache {
  readonly keys: number;
  readonly values: number;
}

/** Head dim, up to whole strips of eight. */
export function headPad(model: Model): number {
  return Math.ceil(model.shape.headDim / 8) * 8;
}

/** Bytes of the keys (or values) of a layer. */
export function kvBytes(model: Model, contextLength: number): number {
  return model.shape.kvHeads * contextLength * headPad(model) * CACHE_FORMS[cacheFormOf(model)];
}

/** Weights that are floats give logits to three places; halves in the cache would take one of them away. */
export function cacheFormOf(model: Model): CacheForm {
  const matrices = model.segments.flatMap(({ needs }) => needs.filter((tensor) => !isVector(model, tensor)));
  return matrices.every(({ type }) => layoutOf(type).float) ? "f32" : "half20";
}
