// From learned vectors to what a layer attends to: the layer's own maps of keys and values, times the vectors, once.
// Source: OpenGVLab/LLaMA-Adapter llama/model.py, Attention.forward (adapter_k, adapter_v); no norm before, no rotation after.
import { QUANTS } from "../../../shaders/quant/index.ts";
import type { Adapter, LayerPrompt } from "../base/adapter.ts";
import type { GateReading } from "../base/adapters.ts";
import type { Linear, Model, Tensor } from "../base/model.ts";
import type { ByteSource } from "../base/source.ts";
import { regionOf } from "../checkpoint/formats/region.ts";
import type { PromptContents } from "./contents.ts";
import { unfit } from "./errors.ts";

/** Weights unpacked at a time. */
const CHUNK_WEIGHTS = 1 << 18;

/** The model whose maps the vectors go through, and how. */
export interface PromptOptions {
  readonly model: Model;
  /** The model's file. */
  readonly source: ByteSource;
  readonly gate: GateReading;
  readonly signal?: AbortSignal | undefined;
  /** Gives other tasks their turn. */
  breathe(): Promise<void>;
}

/** Prompts as backends take them. Reads the layers' weights of keys and values. Throws `bad_file`, and what the source throws. */
export async function promptsFor(contents: PromptContents, options: PromptOptions): Promise<Adapter> {
  const { model, gate } = options;
  const prompts = new Map<number, LayerPrompt>();
  for (const [layer, { length, vectors, gates }] of contents.prompts) {
    if (layer >= model.shape.layers)
      throw unfit(`it has a prompt for layer ${layer}, and the model ${model.shape.layers} layers`);
    prompts.set(layer, {
      length,
      keys: await through(mapOf(model, layer, "k"), vectors, length, options),
      values: await through(mapOf(model, layer, "v"), vectors, length, options),
      gates: gate === "tanh" ? gates.map(Math.tanh) : gates.slice(),
    });
  }
  return { lowRank: new Map(), prompts };
}

function mapOf(model: Model, layer: number, out: "k" | "v"): Linear {
  const segment = model.segments.find(({ steps }) => steps.some((step) => step.op === "attend" && step.layer === layer));
  const found = segment?.steps.find((step) => step.op === "linear" && step.out === out);
  if (found?.op === "linear") return found;
  throw unfit(`layer ${layer} of the model has no ${out === "k" ? "keys" : "values"}`);
}

/** weight · vector + bias for each of the vectors: [length, rows]. */
async function through(map: Linear, vectors: Float32Array, length: number, options: PromptOptions): Promise<Float32Array> {
  const { rows, cols } = map.weight;
  const out = new Float32Array(length * rows);
  const most = Math.max(1, Math.floor(CHUNK_WEIGHTS / cols));
  for (let first = 0; first < rows; first += most) {
    options.signal?.throwIfAborted();
    const count = Math.min(most, rows - first);
    const weights = await floatsOf(map.weight, first, count, options);
    for (let at = 0; at < length; at++) {
      for (let row = 0; row < count; row++) {
        let sum = 0;
        for (let col = 0; col < cols; col++) sum += weights[row * cols + col]! * vectors[at * cols + col]!;
        out[at * rows + first + row] = sum;
      }
    }
    await options.breathe();
  }
  if (!map.bias) return out;
  const bias = await floatsOf(map.bias, 0, 1, options);
  for (let i = 0; i < out.length; i++) out[i]! += bias[i % rows]!;
  return out;
}

async function floatsOf(tensor: Tensor, first: number, count: number, { source, signal }: PromptOptions): Promise<Float32Array> {
  const rowBytes = tensor.sizeBytes / tensor.rows;
  const region = regionOf(source, tensor.offset, tensor.sizeBytes);
  const floats = new Float32Array(count * tensor.cols);
  QUANTS[tensor.type].dequantize(await region.read(first * rowBytes, count * rowBytes, signal), floats);
  return floats;
}
