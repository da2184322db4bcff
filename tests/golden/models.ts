// Models for tests: trained ones derived from SmolLM2 and stories260K by repacking their weights. Kept under .cache/.
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { QUANTS, type QuantName } from "../../shaders/quant/index.ts";
import type { Tensor } from "../../workers/engine/base/model.ts";
import type { ByteSource } from "../../workers/engine/base/source.ts";
import { Header } from "../../workers/engine/gguf/header.ts";
import { readGguf } from "../../workers/engine/gguf/read.ts";
import { readText, readValue } from "../../workers/engine/gguf/values.ts";
import { type NewTensor, writeGguf } from "./gguf-writer.ts";
import { fileSource } from "./sources.ts";

const ROOT = join(import.meta.dirname, "../..");
const CACHE = join(ROOT, ".cache/derived");

/** SmolLM2-135M-Instruct Q4_1, a trained LLaMA: byte-level BPE, 9 heads over 3, tied embedding. Null where it was not obtained. */
export const SMOLLM2 = firstThatExists(
  process.env["CRIA_MODEL"],
  join(ROOT, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf"),
);

/** The small model of our own, which is always there: SentencePiece, 4 heads over 2, tied embedding, Q8_0, 512 positions. */
export const BUILTIN = join(ROOT, "public/builtin/cria-builtin.gguf");

/** Golden material outside the project; null where it is not there. */
export const GOLDEN = firstThatExists(join(ROOT, "../shared/golden"));

/** How a model is derived from another: the type of every matrix, and whether the head gets a tensor of its own. */
export interface Recipe {
  readonly name: string;
  /** Type for a tensor; null leaves it as it is. Rows that are no whole blocks of it stay too. */
  readonly type: (name: string, layer: number) => QuantName | null;
  /** Type of an output.weight of its own, where the source has none: a copy of the embedding before that is packed. */
  readonly output?: QuantName;
}

/** All matrices as `type`; vectors stay F32. */
export function all(type: QuantName): Recipe {
  return { name: type, type: () => type };
}

/** As llama-quantize mixes types in a file: other ones for V and half of the down projections. Embedding and head differ. */
export const MIXED: Recipe = {
  name: "mixed",
  output: "Q5_1",
  type: (name, layer) => {
    if (name.startsWith("token_embd")) return "Q8_0";
    if (name.includes("ffn_down")) return layer % 2 ? "Q4_K" : "Q6_K"; // 1536 columns: whole blocks of 256
    if (name.includes("attn_v")) return "Q8_0";
    if (name.includes("attn_output")) return "Q5_0";
    if (name.includes("attn_q")) return "F16";
    if (name.includes("ffn_up")) return "Q5_1";
    return "Q4_0";
  },
};

/** A tied model with a head of its own, of another type than the embedding. */
export const UNTIED: Recipe = {
  name: "untied",
  output: "Q4_0",
  type: (name) => (name.startsWith("token_embd") ? "F16" : "Q8_0"),
};

/** The file of a derived model, made at the first call. */
export async function derive(from: string, recipe: Recipe): Promise<string> {
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `${basename(from, ".gguf")}.${recipe.name}.gguf`);
  if (existsSync(path)) return path;
  const source = fileSource(from);
  const { tensors } = await readGguf(source);
  const blocks = new Map<string, Uint8Array>();
  for (const tensor of tensors.values()) blocks.set(tensor.name, await source.read(tensor.offset, tensor.sizeBytes));
  const made = [...tensors.values()].map((tensor) => repack(tensor, blocks.get(tensor.name)!, typeFor(tensor, recipe)));
  const embedding = tensors.get("token_embd.weight");
  if (recipe.output && embedding && !tensors.has("output.weight")) {
    made.push({ ...repack(embedding, blocks.get(embedding.name)!, recipe.output), name: "output.weight" });
  }
  const unfinished = `${path}.${process.pid}`; // another process may be making it too
  writeGguf(unfinished, { metadata: {}, copied: await metadataOf(source), tensors: made });
  renameSync(unfinished, path);
  source.close();
  return path;
}

function typeFor(tensor: Tensor, recipe: Recipe): QuantName {
  const layer = Number(/^blk\.(\d+)\./.exec(tensor.name)?.[1] ?? 0);
  const type = tensor.rows > 1 ? recipe.type(tensor.name, layer) : null;
  return type && tensor.cols % QUANTS[type].blockSize === 0 ? type : tensor.type;
}

/** The tensor as another type: unpacked and packed anew, or as it is. */
function repack({ name, type: from, rows, cols }: Tensor, blocks: Uint8Array, type: QuantName): NewTensor {
  const bytes = (): Uint8Array => {
    if (type === from) return blocks;
    const weights = new Float32Array(rows * cols);
    QUANTS[from].dequantize(blocks, weights);
    return packed(type, weights);
  };
  return { name, type, extents: rows > 1 ? [cols, rows] : [cols], bytes };
}

/** Blocks of `type` for weights. */
export function packed(type: QuantName, weights: Float32Array): Uint8Array {
  const { blockSize, blockBytes, quantize } = QUANTS[type];
  if (!quantize) throw new Error(`${type} has no quantize`);
  const out = new Uint8Array((weights.length / blockSize) * blockBytes);
  quantize(weights, out);
  return out;
}

/** The key-value section of a file, byte for byte, but for some keys. */
export async function metadataOf(
  source: ByteSource,
  without: readonly string[] = [],
): Promise<{ count: number; bytes: Uint8Array }> {
  const header = new Header(source, undefined);
  await header.need(24);
  header.at = 16;
  const count = header.size();
  const kept: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const start = header.at;
    const key = await readText(header);
    await readValue(header);
    if (!without.includes(key)) kept.push(header.bytes.slice(start, header.at));
  }
  return { count: kept.length, bytes: Buffer.concat(kept) };
}

function firstThatExists(...paths: (string | undefined)[]): string | null {
  return paths.find((path): path is string => path !== undefined && existsSync(path)) ?? null;
}
