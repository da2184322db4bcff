// A checkpoint as the GGUF file it is converted to: a file whose bytes are computed when they are read. Any range, in any order, always
// the same bytes, so that storing it shard by shard can be broken off and taken up anywhere.
import { QUANTS } from "../../../shaders/quant/index.ts";
import { assert } from "../base/errors.ts";
import type { Tensor } from "../base/model.ts";
import { type ByteSource, SHARD_BYTES } from "../base/source.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { type GgufHead, writeHead } from "../gguf/write.ts";
import { metadataOf, ropeDivisors } from "./metadata.ts";
import { type Target, targetName, typeFor } from "./types.ts";

/** Weights read and packed at a time; rows longer than this go one by one. */
const CHUNK_WEIGHTS = 1 << 20;

export interface ConvertOptions {
  readonly target: Target;
  /** Prompt format to be written into the file; null leaves it to the template and the name. */
  readonly family: string | null;
}

/** Lays the file out; no weight is read yet. Throws `unsupported_tokenizer` where the checkpoint has no vocabulary. */
export function convertedFile(checkpoint: Checkpoint, { target, family }: ConvertOptions): ConvertedFile {
  const tied = !checkpoint.tensors.has("output.weight");
  const sources = [...checkpoint.tensors.values(), ...divisorTensor(checkpoint)];
  const written = sources.map((tensor) => ({
    name: tensor.name,
    type: typeFor(tensor, target, checkpoint.config, tied),
    rows: tensor.rows,
    cols: tensor.cols,
    experts: tensor.experts,
  }));
  const head = writeHead(metadataOf(checkpoint, target, family), written);
  return new ConvertedFile(`${checkpoint.name.replaceAll(/[^\w.-]+/g, "-")}.${targetName(target)}.gguf`, head, sources);
}

/** The file. Reads throw what the checkpoint's files throw. */
export class ConvertedFile implements ByteSource {
  readonly sizeBytes: number;

  constructor(
    readonly name: string,
    private readonly head: GgufHead,
    private readonly sources: readonly CheckpointTensor[],
  ) {
    this.sizeBytes = head.sizeBytes;
  }

  /** Metadata and tensor table: they tell this file from any other conversion. */
  get header(): Uint8Array<ArrayBuffer> {
    return this.head.bytes;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const end = Math.min(offset + length, this.sizeBytes);
    const out = new Uint8Array(Math.max(0, end - offset));
    copyOverlap(this.head.bytes, 0, out, offset);
    for (const [i, tensor] of this.head.tensors.entries()) {
      if (tensor.offset >= end || tensor.offset + tensor.sizeBytes <= offset) continue;
      await this.convert(tensor, this.sources[i]!, out, offset, signal);
    }
    return out;
  }

  shard(index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return this.read(index * SHARD_BYTES, SHARD_BYTES, signal);
  }

  /** Fills what of a tensor lies in out, which starts at `offset` of the file. Rows that are cut by its edges are packed whole. */
  private async convert(
    tensor: Tensor,
    source: CheckpointTensor,
    out: Uint8Array,
    offset: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const { rows, cols, type } = tensor;
    const rowBytes = tensor.sizeBytes / rows;
    const first = Math.max(0, Math.floor((offset - tensor.offset) / rowBytes));
    const end = Math.min(rows, Math.ceil((offset + out.length - tensor.offset) / rowBytes));
    const most = Math.max(1, Math.floor(CHUNK_WEIGHTS / cols));
    const { quantize } = QUANTS[type];
    assert(quantize, `${type} cannot be packed`);
    for (let row = first; row < end; row += most) {
      signal?.throwIfAborted();
      const count = Math.min(most, end - row);
      const packed = new Uint8Array(count * rowBytes);
      quantize(await source.read(row, count, signal), packed);
      copyOverlap(packed, tensor.offset + row * rowBytes, out, offset);
    }
  }
}

/** Copies what of `from`, at fromStart of the file, lies in `to`, at toStart. */
function copyOverlap(from: Uint8Array, fromStart: number, to: Uint8Array, toStart: number): void {
  const begin = Math.max(fromStart, toStart);
  const end = Math.min(fromStart + from.length, toStart + to.length);
  if (begin < end) to.set(from.subarray(begin - fromStart, end - fromStart), begin - toStart);
}

function divisorTensor({ config }: Checkpoint): CheckpointTensor[] {
  const divisors = ropeDivisors(config);
  if (!divisors) return [];
  const read = (first: number, count: number): Promise<Float32Array<ArrayBuffer>> =>
    Promise.resolve(divisors.slice(first * divisors.length, (first + count) * divisors.length));
  return [{ name: "rope_freqs.weight", type: "F32", rows: 1, cols: divisors.length, read }];
}
