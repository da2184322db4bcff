// A LLaMA as an ONNX graph of standard operators, with the inputs and outputs that transformers' exports have.
// Source: Touvron et al., section 2.2; workers/engine/model/llama.ts, whose steps these are; huggingface/optimum's names.
import { writeHalf } from "../../../shaders/quant/half.ts";
import type { Rope, Shape } from "../../../workers/engine/base/model.ts";
import { Graph, type Type } from "./graph.ts";

/** What the graph is made of. Weights are row-major [rows, cols], as GGUF has them: queries and keys rotate adjacent pairs. */
export interface LlamaWeights {
  readonly shape: Shape;
  readonly rope: Rope;
  /** Floats of "blk.0.attn_q.weight"; null where the model has none (output.weight of a tied one). */
  weight(name: string): Promise<Float32Array | null>;
}

export interface ExportOptions {
  /** Keys and values go in and come out; without, every run reads the whole text. */
  readonly past: boolean;
  /** Weights as half floats, which the runtime widens: half the file. */
  readonly half: boolean;
  /** Name of a file for the weights, beside the graph; null puts them inside. */
  readonly dataFile: string | null;
}

/** Operators are those of this version. */
const OPSET = 17;
/** Added to what must not be looked at: far below any score, and finite. */
const MASKED = -1e9;

/** The files of the model. */
export async function llamaGraph(model: LlamaWeights, options: ExportOptions): Promise<ReturnType<Graph["finish"]>> {
  return new Exporter(model, options).export();
}

class Exporter {
  private readonly graph: Graph;
  /** Rotation of the positions that are read, [batch, sequence, 1, dims / 2]. */
  private cos = "";
  private sin = "";
  /** [batch, 1, sequence, total]: 0, or MASKED. */
  private mask = "";

  constructor(
    private readonly model: LlamaWeights,
    private readonly options: ExportOptions,
  ) {
    this.graph = new Graph(options.dataFile);
  }

  async export(): Promise<ReturnType<Graph["finish"]>> {
    const { graph, model, options } = this;
    const { shape } = model;
    const ids = graph.input("input_ids", "int64", ["batch", "sequence"]);
    const attention = graph.input("attention_mask", "int64", ["batch", "total"]);
    const positions = graph.input("position_ids", "int64", ["batch", "sequence"]);
    this.rotation(positions);
    this.causality(positions, attention);
    const embedding = await this.matrix("token_embd.weight", shape.vocab, shape.dim);
    let hidden = graph.node("Gather", [embedding, ids], { axis: 0 });
    for (let layer = 0; layer < shape.layers; layer++) hidden = await this.layer(hidden, layer);
    hidden = await this.norm(hidden, "output_norm.weight");
    const output = await model.weight("output.weight");
    const head = output
      ? await this.linear(hidden, "output.weight", shape.vocab, shape.dim)
      : graph.node("MatMul", [hidden, graph.node("Transpose", [embedding], { perm: [1, 0] })]);
    graph.node("Identity", [head], {}, "logits");
    graph.output("logits", "float", ["batch", "sequence", shape.vocab]);
    return graph.finish(options.past ? "decoder with past" : "decoder", OPSET);
  }

  private async layer(hidden: string, layer: number): Promise<string> {
    const { graph } = this;
    const { dim, ffnDim, heads, kvHeads, headDim } = this.model.shape;
    const name = (part: string): string => `blk.${layer}.${part}.weight`;
    const input = await this.norm(hidden, name("attn_norm"));
    const q = this.turned(await this.linear(input, name("attn_q"), heads * headDim, dim), heads);
    const k = this.turned(await this.linear(input, name("attn_k"), kvHeads * headDim, dim), kvHeads);
    const v = this.byHead(await this.linear(input, name("attn_v"), kvHeads * headDim, dim), kvHeads);
    const attended = this.attend(q, this.remembered(k, layer, "key"), this.remembered(v, layer, "value"));
    const between = graph.node("Add", [hidden, await this.linear(attended, name("attn_output"), dim, heads * headDim)]);
    const inner = await this.norm(between, name("ffn_norm"));
    const gate = await this.linear(inner, name("ffn_gate"), ffnDim, dim);
    const silu = graph.node("Mul", [gate, graph.node("Sigmoid", [gate])]);
    const up = graph.node("Mul", [silu, await this.linear(inner, name("ffn_up"), ffnDim, dim)]);
    return graph.node("Add", [between, await this.linear(up, name("ffn_down"), dim, ffnDim)]);
  }

  /** softmax(q·K / sqrt(width) + mask) · V, each key and value shared by its group of heads: [batch, sequence, heads * width]. */
  private attend(q: string, k: string, v: string): string {
    const { graph } = this;
    const { heads, headDim } = this.model.shape;
    const scores = graph.node("MatMul", [q, graph.node("Transpose", [this.shared(k)], { perm: [0, 1, 3, 2] })]);
    const scaled = graph.node("Mul", [scores, graph.floats([1 / Math.sqrt(headDim)], [])]);
    const shares = graph.node("Softmax", [graph.node("Add", [scaled, this.mask])], { axis: -1 });
    const mixed = graph.node("Transpose", [graph.node("MatMul", [shares, this.shared(v)])], { perm: [0, 2, 1, 3] });
    return graph.node("Reshape", [mixed, graph.integers([0, 0, heads * headDim])]);
  }

  /** [batch, kvHeads, total, width] as [batch, heads, total, width]: each head of keys stands next to its copies. */
  private shared(kv: string): string {
    const { graph } = this;
    const { heads, kvHeads, headDim } = this.model.shape;
    if (heads === kvHeads) return kv;
    const group = heads / kvHeads;
    const apart = graph.node("Unsqueeze", [kv, graph.integers([2])]);
    const copied = graph.node("Expand", [apart, graph.integers([1, 1, group, 1, 1])]);
    return graph.node("Reshape", [copied, graph.integers([0, heads, -1, headDim])]);
  }

  /** What is known of earlier positions, then what is new. */
  private remembered(fresh: string, layer: number, which: "key" | "value"): string {
    const { graph, options } = this;
    const { kvHeads, headDim } = this.model.shape;
    if (!options.past) return fresh;
    const past = graph.input(`past_key_values.${layer}.${which}`, "float", ["batch", kvHeads, "past", headDim]);
    const present = graph.node("Concat", [past, fresh], { axis: 2 }, `present.${layer}.${which}`);
    graph.output(present, "float", ["batch", kvHeads, "total", headDim]);
    return present;
  }

  /** [batch, sequence, heads * width] as [batch, heads, sequence, width]. */
  private byHead(rows: string, heads: number): string {
    const { headDim } = this.model.shape;
    const apart = this.graph.node("Reshape", [rows, this.graph.integers([0, 0, heads, headDim])]);
    return this.graph.node("Transpose", [apart], { perm: [0, 2, 1, 3] });
  }

  /** The same, each adjacent pair (a, b) turned: (a cos - b sin, a sin + b cos). What lies beyond the rotated dimensions stays. */
  private turned(rows: string, heads: number): string {
    const { graph } = this;
    const { headDim } = this.model.shape;
    const { dims } = this.model.rope;
    const apart = graph.node("Reshape", [rows, graph.integers([0, 0, heads, headDim])]);
    const range = (from: number, to: number): string =>
      graph.node("Slice", [apart, graph.integers([from]), graph.integers([to]), graph.integers([3])]);
    const pairs = graph.node("Reshape", [dims === headDim ? apart : range(0, dims), graph.integers([0, 0, heads, dims / 2, 2])]);
    const [a, b] = [0, 1].map((which) => graph.node("Gather", [pairs, graph.integers([which], [])], { axis: 4 }));
    const times = (x: string, y: string): string => graph.node("Mul", [x, y]);
    const first = graph.node("Sub", [times(a!, this.cos), times(b!, this.sin)]);
    const second = graph.node("Add", [times(a!, this.sin), times(b!, this.cos)]);
    const last = graph.integers([4]);
    const both = graph.node("Concat", [graph.node("Unsqueeze", [first, last]), graph.node("Unsqueeze", [second, last])], {
      axis: 4,
    });
    const turned = graph.node("Reshape", [both, graph.integers([0, 0, heads, dims])]);
    const whole = dims === headDim ? turned : graph.node("Concat", [turned, range(dims, headDim)], { axis: 3 });
    return graph.node("Transpose", [whole], { perm: [0, 2, 1, 3] });
  }

  private rotation(positions: string): void {
    const { graph } = this;
    const { frequencies, magnitude } = this.model.rope;
    const places = graph.node("Unsqueeze", [graph.node("Cast", [positions], { to: 1 }), graph.integers([2, 3])]);
    const angles = graph.node("Mul", [places, graph.floats([...frequencies], [1, 1, 1, frequencies.length])]);
    const scaled = (turn: string): string => (magnitude === 1 ? turn : graph.node("Mul", [turn, graph.floats([magnitude], [])]));
    this.cos = scaled(graph.node("Cos", [angles]));
    this.sin = scaled(graph.node("Sin", [angles]));
  }

  /** A place sees itself and what was before it, and nothing that the mask leaves out. */
  private causality(positions: string, attention: string): void {
    const { graph } = this;
    const total = graph.node("Gather", [graph.node("Shape", [attention]), graph.integers([1], [])], { axis: 0 });
    const keys = graph.node("Range", [graph.integers([0], []), total, graph.integers([1], [])]);
    const later = graph.node("Greater", [keys, graph.node("Unsqueeze", [positions, graph.integers([2])])]);
    const left = graph.node("Equal", [graph.node("Unsqueeze", [attention, graph.integers([1])]), graph.integers([0], [])]);
    const hidden = graph.node("Or", [later, left]);
    const masked = graph.node("Where", [hidden, graph.floats([MASKED], []), graph.floats([0], [])]);
    this.mask = graph.node("Unsqueeze", [masked, graph.integers([1])]);
  }

  /** x / sqrt(mean(x²) + epsilon) · weight. */
  private async norm(input: string, name: string): Promise<string> {
    const { graph } = this;
    const mean = graph.node("ReduceMean", [graph.node("Mul", [input, input])], { axes: [-1], keepdims: 1 });
    const root = graph.node("Sqrt", [graph.node("Add", [mean, graph.floats([this.model.shape.epsilon], [])])]);
    const weight = await this.needed(name);
    return graph.node("Mul", [graph.node("Div", [input, root]), graph.tensor("float", [weight.length], bytesOf(weight), name)]);
  }

  /** weight · input: MatMul has the weights' columns where GGUF has rows. */
  private async linear(input: string, name: string, rows: number, cols: number): Promise<string> {
    const weight = await this.needed(name);
    const turned = new Float32Array(weight.length);
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++) turned[col * rows + row] = weight[row * cols + col]!;
    return this.graph.node("MatMul", [input, this.put(name, [cols, rows], turned)]);
  }

  private async matrix(name: string, rows: number, cols: number): Promise<string> {
    return this.put(name, [rows, cols], await this.needed(name));
  }

  private put(name: string, extents: readonly number[], weight: Float32Array): string {
    if (!this.options.half) return this.graph.tensor("float", extents, bytesOf(weight), name);
    const type: Type = "float16";
    return this.graph.node("Cast", [this.graph.tensor(type, extents, bytesOf(halves(weight)), name)], { to: 1 });
  }

  private async needed(name: string): Promise<Float32Array> {
    const weight = await this.model.weight(name);
    if (weight) return weight;
    throw new Error(`The model has no ${name}.`);
  }
}

function bytesOf(numbers: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** As half floats, little-endian. */
function halves(weight: Float32Array): Uint16Array {
  const out = new Uint8Array(weight.length * 2);
  for (let index = 0; index < weight.length; index++) writeHalf(out, 2 * index, weight[index]!);
  return new Uint16Array(out.buffer);
}
