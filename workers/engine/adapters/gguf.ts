// A LoRA as a GGUF file, as llama.cpp's converter writes it.
// Source: llama.cpp src/llama-adapter.cpp, llama_adapter_lora_init_impl; convert_lora_to_gguf.py.
import type { LowRank } from "../base/adapter.ts";
import type { ByteSource } from "../base/source.ts";
import { refuseOthers } from "../checkpoint/config.ts";
import { damaged } from "../checkpoint/formats/errors.ts";
import { rowsOf } from "../checkpoint/gguf.ts";
import { readGguf } from "../gguf/read.ts";
import type { LoraContents } from "./contents.ts";
import { refused, unknownTensors } from "./errors.ts";
import { readEmbeddingPair, readPair } from "./low-rank.ts";

const HALF = /^(.+\.weight)\.lora_([ab])$/;

/** Reads a GGUF adapter. Throws as `readGguf`, `bad_file` for a whole model, `unsupported_architecture` for another family's adapter. */
export async function readGgufLora(source: ByteSource, signal?: AbortSignal): Promise<LoraContents> {
  const { metadata, tensors } = await readGguf(source, signal);
  const [type, kind] = [metadata.text("general.type"), metadata.text("adapter.type")];
  if (type !== "adapter") throw refused(source.name, `it is a GGUF file of the type "${type ?? "model"}", not an adapter`);
  if (kind !== "lora") throw refused(source.name, `it is an adapter of the type "${kind ?? "(none)"}"`);
  refuseOthers(metadata.text("general.architecture") ?? "(none)");
  if (metadata.numbers("adapter.alora.invocation_tokens")) {
    throw refused(source.name, "it is an activated LoRA, which begins to work in the middle of a text");
  }
  const alpha = metadata.number("adapter.lora.alpha", 0);
  const unknown = [...tensors.keys()].filter((name) => !HALF.test(name));
  if (unknown.length > 0) throw unknownTensors(source.name, unknown);
  const changes = new Map<string, LowRank>();
  for (const name of new Set([...tensors.keys()].map((half) => HALF.exec(half)![1]!))) {
    const [a, b] = [tensors.get(`${name}.lora_a`), tensors.get(`${name}.lora_b`)];
    if (!a || !b) throw damaged(source.name, `${name} has one of its two matrices`);
    const embedding = name === "token_embd.weight";
    const rank = embedding ? b.cols : a.rows;
    // Without an alpha the product is taken as it is.
    const options = { file: source.name, scale: alpha === 0 ? 1 : alpha / rank, headDim: null, signal };
    const pair = { a: rowsOf(source, a), b: rowsOf(source, b) };
    changes.set(name, await (embedding ? readEmbeddingPair(name, pair, true, options) : readPair(name, pair, options)));
  }
  if (changes.size === 0) throw damaged(source.name, "it has no matrix of a LoRA");
  return { kind: "lora", format: "a LoRA as GGUF", changes };
}
