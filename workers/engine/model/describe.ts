// From a GGUF header to a model: architecture, shape, rotation, and the tensors each segment needs.
import { QUANTS } from "../../../shaders/quant/index.ts";
import { EngineError } from "../base/errors.ts";
import { refuseGptJ } from "../base/gptj.ts";
import type { Activation, Experts, Model, Shape, Tensor } from "../base/model.ts";
import type { ByteSource } from "../base/source.ts";
import type { Gguf } from "../gguf/read.ts";
import { ARCHITECTURES } from "./index.ts";
import { ropeOf } from "./rope.ts";
import { shapeOf, variantOf } from "./shape.ts";

/** Tensors that say how to rotate, read here, or what rotation already tells. */
const ROTATION = /^rope_freqs\.weight$|\.attn_rot_embd(\.weight)?$|\.rope_freqs(\.weight)?$/;

const isKnown = (name: string): name is keyof typeof ARCHITECTURES => Object.hasOwn(ARCHITECTURES, name);

/**
 * The model a file holds. Reads at most the few bytes of rope_freqs beyond the header. Throws `unsupported_architecture`
 * for another family or for parts we would have to leave out, `bad_file` for missing or misshapen tensors.
 */
export async function describe(gguf: Gguf, source: ByteSource, signal?: AbortSignal): Promise<Model> {
  const { metadata, tensors } = gguf;
  const architecture = metadata.text("general.architecture") ?? "(none)";
  if (architecture === "gptj") throw refuseGptJ();
  if (!isKnown(architecture)) {
    throw unsupported(
      `This model is of the architecture "${architecture}"; Cria runs "${Object.keys(ARCHITECTURES).join(", ")}".`,
    );
  }
  const find = (name: string): Tensor => {
    const tensor = tensors.get(name);
    if (tensor) return tensor;
    throw new EngineError("bad_file", `The file has no tensor ${name}.`, "Choose another conversion of this model.");
  };
  const optional = (name: string): Tensor | null => tensors.get(name) ?? null;
  const shape = shapeOf(metadata, find("token_embd.weight").rows);
  const divisors = optional("rope_freqs.weight");
  const rope = ropeOf(metadata, shape.headDim, divisors ? await readFloats(divisors, source, signal) : null);
  const model = ARCHITECTURES[architecture](shape, rope, find, optional, variantOf(metadata));
  checkExtents(model);
  refuseLeftovers(model, tensors);
  return model;
}

/** A weight of another extent than its activations would read past them. */
function checkExtents({ shape, segments }: Model): void {
  const { dim, ffnDim, vocab } = shape;
  const kv = shape.kvHeads * shape.headDim;
  const q = shape.heads * shape.headDim;
  const width: Record<Activation, number> = { hidden: dim, q, k: kv, v: kv, attended: q, gate: ffnDim, logits: vocab };
  const expect = (tensor: Tensor, rows: number, cols: number): void => {
    if (tensor.rows === rows && tensor.cols === cols) return;
    const message = `Tensor ${tensor.name} is ${tensor.rows} x ${tensor.cols}; ${rows} x ${cols} was expected.`;
    throw new EngineError("bad_file", message, "Choose another conversion of this model.");
  };
  for (const step of segments.flatMap((segment) => segment.steps)) {
    if (step.op === "embed") expect(step.weight, vocab, dim);
    if (step.op === "experts") checkExperts(step, shape, expect);
    if (step.op !== "linear") continue;
    expect(step.weight, width[step.out], width[step.in]);
    if (step.bias) expect(step.bias, 1, width[step.out]);
    if (step.norm) expect(step.norm.weight, 1, width[step.in]);
  }
}

/** An expert's rows come by whole groups of eight, as every backend packs them. */
function checkExperts(step: Experts, { dim, ffnDim }: Shape, expect: (tensor: Tensor, rows: number, cols: number) => void): void {
  const { norm, router, gate, up, down, count } = step;
  if (dim % 8 !== 0 || ffnDim % 8 !== 0) throw unsupported(`Its experts are ${ffnDim} by ${dim} weights, no multiples of eight.`);
  expect(norm.weight, 1, dim);
  expect(router, count, dim);
  expect(gate, count * ffnDim, dim);
  expect(up, count * ffnDim, dim);
  expect(down, count * dim, ffnDim);
}

/** A tensor nobody uses would mean an answer that is quietly wrong. */
function refuseLeftovers(model: Model, tensors: ReadonlyMap<string, Tensor>): void {
  const used = new Set(model.segments.flatMap((segment) => segment.needs.map((tensor) => tensor.name)));
  const unused = [...tensors.keys()].filter((name) => !used.has(name) && !ROTATION.test(name));
  if (unused.length === 0) return;
  throw unsupported(
    `The file has ${unused.length} tensors that this architecture does not use: ${unused.slice(0, 3).join(", ")} …`,
  );
}

async function readFloats(tensor: Tensor, source: ByteSource, signal?: AbortSignal): Promise<Float32Array> {
  const bytes = await source.read(tensor.offset, tensor.sizeBytes, signal);
  const values = new Float32Array(tensor.rows * tensor.cols);
  QUANTS[tensor.type].dequantize(bytes, values);
  return values;
}

function unsupported(message: string): EngineError {
  return new EngineError("unsupported_architecture", message, "Choose a model of the LLaMA family, as a GGUF file.");
}
