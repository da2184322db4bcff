// Brings a model's weights from its file to a backend, shard by shard; at most two shards are in memory.
import type { Backend } from "../base/backend.ts";
import { EngineError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { type ByteSource, SHARD_BYTES } from "../base/source.ts";
import { type Piece, planLoad, type ShardPlan } from "./plan.ts";

export interface LoadOptions {
  readonly signal?: AbortSignal;
  /** Called after every shard. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Size of the source's shards, where it is not SHARD_BYTES. */
  readonly shardBytes?: number;
}

/**
 * Writes every tensor the model needs to the backend, in the order of the file, while the next shard is being fetched.
 * Throws what the source and the backend throw, `truncated_file`, and `aborted`.
 */
export async function loadWeights(source: ByteSource, model: Model, backend: Backend, options: LoadOptions = {}): Promise<void> {
  const { signal, onProgress, shardBytes = SHARD_BYTES } = options;
  const { shards, totalBytes } = planLoad(model, shardBytes);
  const rows = new RowWriter(backend);
  const stop = new AbortController(); // ends the fetch ahead when something fails
  const fetching = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const fetch = (shard: ShardPlan | undefined): Promise<Uint8Array<ArrayBuffer>> | null => {
    if (!shard) return null;
    const bytes = source.shard(shard.index, fetching);
    bytes.catch(() => null); // waited for in its turn; until then a failure is not unhandled
    return bytes;
  };
  let next = fetch(shards[0]);
  let doneBytes = 0;
  try {
    for (const [i, shard] of shards.entries()) {
      const bytes = await next!;
      next = fetch(shards[i + 1]);
      for (const piece of shard.pieces) {
        if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
        if (piece.to > bytes.length) throw endsEarly(source, shard.index * shardBytes + bytes.length);
        await rows.write(piece, bytes.subarray(piece.from, piece.to));
        doneBytes += piece.to - piece.from;
      }
      release(bytes);
      onProgress?.(doneBytes, totalBytes);
    }
  } finally {
    stop.abort();
  }
}

/** Frees a shard now. Left to the garbage collector, several would pile up: it thinks little of an empty object. */
function release({ buffer }: Uint8Array<ArrayBuffer>): void {
  if ("transfer" in buffer) buffer.transfer(0);
}

/** Cuts a stream of pieces into whole groups of rows. Groups that lie within a piece are passed on as they are, others are put together. */
class RowWriter {
  private row = 0;
  /** The first `carried` bytes are the start of a group that goes on in the next shard. */
  private carry = new Uint8Array();
  private carried = 0;

  constructor(private readonly backend: Backend) {}

  /** Takes the next bytes of a tensor; after its last byte everything of it has been written. */
  async write({ tensor }: Piece, bytes: Uint8Array): Promise<void> {
    const rowBytes = tensor.sizeBytes / tensor.rows;
    const groupBytes = rowBytes * this.backend.rowGroup;
    const send = async (group: Uint8Array): Promise<void> => {
      await this.backend.write(tensor, this.row, group);
      this.row += group.length / rowBytes;
    };
    let at = 0;
    if (this.carried > 0) {
      const wanted = Math.min(groupBytes, (tensor.rows - this.row) * rowBytes);
      at = this.keep(bytes.subarray(0, wanted - this.carried), groupBytes);
      if (this.carried < wanted) return;
      this.carried = 0;
      await send(this.carry.subarray(0, wanted));
    }
    const ending = this.row * rowBytes + (bytes.length - at) === tensor.sizeBytes;
    const whole = ending ? bytes.length : at + Math.floor((bytes.length - at) / groupBytes) * groupBytes;
    if (whole > at) await send(bytes.subarray(at, whole));
    this.keep(bytes.subarray(whole), groupBytes);
    if (ending) this.row = 0;
  }

  /** Appends bytes to the carry and gives their number. */
  private keep(bytes: Uint8Array, groupBytes: number): number {
    if (bytes.length > 0 && this.carry.length < groupBytes) {
      const larger = new Uint8Array(groupBytes);
      larger.set(this.carry.subarray(0, this.carried));
      this.carry = larger;
    }
    this.carry.set(bytes, this.carried);
    this.carried += bytes.length;
    return bytes.length;
  }
}

function endsEarly(source: ByteSource, bytes: number): EngineError {
  return new EngineError(
    "truncated_file",
    `${source.name} ends too early, after ${bytes.toLocaleString("en")} of ${source.sizeBytes.toLocaleString("en")} bytes.`,
    "The download was probably cut short: download it again.",
  );
}
