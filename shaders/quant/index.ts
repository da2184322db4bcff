// The tensor types Cria reads, one line each.
import type { Quant } from "./quant.ts";
import { F32 } from "./f32.ts";

export const QUANTS = {
  F32,
} as const satisfies Record<string, Quant>;

export type QuantName = keyof typeof QUANTS;
