// Writes EasyLM's streams of tensors: msgpack items of a key and flax's bytes.
// Source: msgpack spec.md; google/flax flax/serialization.py.
import type { FloatType } from "../../../workers/engine/checkpoint/formats/stored.ts";
import { big, join, utf8, type Bytes } from "./bytes.ts";
import { bytesOf, type StateDict, type Weights } from "./weights.ts";

const NAMES: Readonly<Record<FloatType, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** Tensors under their keys, parts joined with "."; all in `type`. */
export function easyLmStream(weights: StateDict, type: FloatType = "BF16"): Bytes {
  const items = [...weights].map(([key, tensor]) => {
    const parts = ["params", ...key.split(".")];
    return join(array(2), array(parts.length), ...parts.map(text), bin(ndarray(tensor, type)));
  });
  return join(...items);
}

/** Extension 1 around (shape, dtype name, bytes). */
function ndarray(tensor: Weights, type: FloatType): Bytes {
  const shape = join(array(tensor.extents.length), ...tensor.extents.map(integer));
  const inner = join(array(3), shape, text(NAMES[type]), bin(bytesOf(tensor, type)));
  return join(Uint8Array.of(0xc9), big(inner.length, 4), Uint8Array.of(1), inner);
}

function array(length: number): Bytes {
  return Uint8Array.of(0x90 | length);
}

function text(value: string): Bytes {
  const bytes = utf8(value);
  return bytes.length < 32 ? join(Uint8Array.of(0xa0 | bytes.length), bytes) : join(Uint8Array.of(0xd9, bytes.length), bytes);
}

function integer(value: number): Bytes {
  return value < 128 ? Uint8Array.of(value) : join(Uint8Array.of(0xcd), big(value, 2));
}

function bin(bytes: Uint8Array): Bytes {
  return join(Uint8Array.of(0xc6), big(bytes.length, 4), bytes);
}
