// Keys and values of a graph that takes and gives them: tensors [1, heads, positions, width] by layer, grown by every run.
import type { OnnxData, OnnxRuntime, OnnxSession, OnnxTensor } from "../base/onnx.ts";

/** A pair of names: what goes in, and what comes out in its place. */
interface Slot {
  readonly past: string;
  readonly present: string;
  readonly type: "float32" | "float16";
  readonly heads: number;
  readonly width: number;
}

/** What a graph remembers. Names as transformers and onnxruntime-genai export them. */
export class GraphCache {
  /** Positions that are in it. */
  length = 0;
  private tensors: readonly OnnxTensor[];

  private constructor(
    private readonly runtime: OnnxRuntime,
    private readonly slots: readonly Slot[],
  ) {
    this.tensors = this.empty();
  }

  /** Null where the graph keeps nothing. `kvHeads` and `headDim` stand in for extents that it names only. */
  static of(runtime: OnnxRuntime, session: OnnxSession, kvHeads: number, headDim: number): GraphCache | null {
    const outputs = new Set(session.outputNames);
    const slots = session.inputMetadata.flatMap((input): Slot[] => {
      const present = input.name.replace(/^past_key_values\./, "present.").replace(/^past_(key|value)_/, "present_$1_");
      if (!input.isTensor || present === input.name || !outputs.has(present)) return [];
      const number = (extent: number | string | undefined, fallback: number): number =>
        typeof extent === "number" ? extent : fallback;
      const type = input.type === "float16" ? "float16" : "float32";
      return [
        { past: input.name, present, type, heads: number(input.shape[1], kvHeads), width: number(input.shape[3], headDim) },
      ];
    });
    return slots.length > 0 ? new GraphCache(runtime, slots) : null;
  }

  /** Names of what comes out, so that it can be left on the GPU. */
  get presentNames(): string[] {
    return this.slots.map(({ present }) => present);
  }

  /** What a run is given. */
  get feeds(): Record<string, OnnxTensor> {
    return Object.fromEntries(this.slots.map(({ past }, index) => [past, this.tensors[index]!]));
  }

  /** Takes over what a run gave, which read `count` more positions. */
  take(results: Readonly<Record<string, OnnxTensor>>, count: number): void {
    const old = this.tensors;
    this.tensors = this.slots.map(({ present }) => results[present]!);
    for (const tensor of old) tensor.dispose();
    this.length += count;
  }

  /** Forgets positions from `length` on. */
  async truncate(length: number): Promise<void> {
    if (length >= this.length) return;
    const old = this.tensors;
    this.tensors =
      length === 0 ? this.empty() : await Promise.all(this.slots.map((slot, index) => this.cut(slot, old[index]!, length)));
    for (const tensor of old) tensor.dispose();
    this.length = length;
  }

  /** Bytes held. */
  get sizeBytes(): number {
    return this.slots.reduce(
      (sum, { type, heads, width }) => sum + heads * width * this.length * (type === "float16" ? 2 : 4),
      0,
    );
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
    this.tensors = [];
    this.length = 0;
  }

  private empty(): OnnxTensor[] {
    return this.slots.map(({ type, heads, width }) => new this.runtime.Tensor(type, valuesOf(type, 0), [1, heads, 0, width]));
  }

  /** Of each head the first `length` rows: they lie at the start of the head's part. */
  private async cut({ type, heads, width }: Slot, tensor: OnnxTensor, length: number): Promise<OnnxTensor> {
    const data = await tensor.getData();
    const whole = new Uint8Array(bufferOf(data).buffer, bufferOf(data).byteOffset, bufferOf(data).byteLength);
    const rowBytes = width * (type === "float16" ? 2 : 4);
    const kept = new Uint8Array(heads * length * rowBytes);
    for (let head = 0; head < heads; head++) {
      const from = head * this.length * rowBytes;
      kept.set(whole.subarray(from, from + length * rowBytes), head * length * rowBytes);
    }
    return new this.runtime.Tensor(type, valuesOf(type, kept.length / (rowBytes / width), kept), [1, heads, length, width]);
  }
}

function bufferOf(data: OnnxData): ArrayBufferView {
  if (ArrayBuffer.isView(data)) return data;
  throw new TypeError("Keys and values are numbers.");
}

/** Numbers of a type over given bytes, or zeros. */
function valuesOf(
  type: "float32" | "float16",
  count: number,
  bytes = new Uint8Array(count * (type === "float16" ? 2 : 4)),
): Float32Array | Uint16Array {
  return type === "float16" ? new Uint16Array(bytes.buffer, 0, count) : new Float32Array(bytes.buffer, 0, count);
}
