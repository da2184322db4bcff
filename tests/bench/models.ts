// The models of the benchmark, by the names that --models takes.
import type { QuantName } from "../../shaders/quant/index.ts";
import { readGguf } from "../../workers/engine/gguf/read.ts";
import { all, derive, type Recipe } from "../golden/models.ts";
import { fileSource } from "../golden/sources.ts";
import { obtainModel } from "../../web/cli/model.ts";
import type { Shape } from "./engines/engine.ts";
import { SHAPES, synthesize } from "./synthetic.ts";

/** A model file ready to be measured. */
export interface BenchModel {
  /** As --models names it: "135m-q4_1". */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly quant: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly parameters: number;
  /** Bytes of weights that a token reads: all but an embedding that is not the head as well. */
  readonly bytesPerToken: number;
  /** Bytes of keys and values of one position, at 16 bits. */
  readonly cacheBytesPerPosition: number;
  readonly shape: Shape;
}

/** The models that are measured where --models names none. */
export const DEFAULT_MODELS = ["135m-q4_1", "135m-q4_0", "135m-q8_0", "1.1b-q4_0", "3b-q4_0"];

const QUANTS: Record<string, QuantName> = { q4_0: "Q4_0", q4_1: "Q4_1", q8_0: "Q8_0" };
/** As llama-quantize makes a Q4_0 file of this model: the embedding, which is the head too, keeps 8 bits. */
const Q4_0: Recipe = { name: "Q4_0-head-Q8_0", type: (name) => (name.startsWith("token_embd") ? null : "Q4_0") };

/** Makes or finds the file of a model. Throws for a name that is none. */
export async function openModel(name: string): Promise<BenchModel> {
  const [size = "", quantName = ""] = name.split("-");
  const quant = QUANTS[quantName];
  if (!quant || !(size === "135m" || isShape(size)))
    throw new Error(`There is no model ${name}. Names are ${names().join(", ")}.`);
  const smol = await obtainModel();
  if (smol === null) throw new Error("The benchmark needs SmolLM2-135M-Instruct, which could not be obtained.");
  if (isShape(size)) {
    return describe(name, `LLaMA ${size.toUpperCase()} shape, random weights`, quant, await synthesize(size, quant, smol));
  }
  const path = quant === "Q4_1" ? smol : await derive(smol, quant === "Q4_0" ? Q4_0 : all(quant));
  return describe(name, "SmolLM2-135M-Instruct", quant, path);
}

function names(): string[] {
  return ["135m-q4_1", ...["135m", ...Object.keys(SHAPES)].flatMap((size) => [`${size}-q4_0`, `${size}-q8_0`])];
}

function isShape(size: string): size is keyof typeof SHAPES {
  return size in SHAPES;
}

async function describe(name: string, title: string, quant: QuantName, path: string): Promise<BenchModel> {
  const source = fileSource(path);
  const { metadata, tensors, sizeBytes } = await readGguf(source);
  source.close();
  const number = (key: string): number => metadata.number(`llama.${key}`)!;
  const layers = number("block_count");
  const kvDim = tensors.get("blk.0.attn_k.weight")!.rows;
  const embedding = tensors.get("token_embd.weight")!;
  let weights = 0;
  let parameters = 0;
  for (const { sizeBytes, rows, cols } of tensors.values()) {
    weights += sizeBytes;
    parameters += rows * cols;
  }
  return {
    name,
    title,
    quant,
    path,
    sizeBytes,
    parameters,
    bytesPerToken: weights - (tensors.has("output.weight") ? embedding.sizeBytes : 0),
    cacheBytesPerPosition: layers * kvDim * 2 * 2,
    shape: {
      layers,
      kvDim,
      dim: number("embedding_length"),
      ffnDim: number("feed_forward_length"),
      vocab: embedding.rows,
      bits: quant === "Q8_0" ? 8 : 4,
    },
  };
}
