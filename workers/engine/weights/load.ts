// Brings a model's weights from its file to a backend, shard by shard: as a stream where it is stored, else with two shards in memory.
import type { Backend } from "../base/backend.ts";
import { EngineError } from "../base/errors.ts";
import type { Model, Tensor } from "../base/model.ts";
import { type ByteSource, SHARD_BYTES } from "../base/source.ts";
import { type Piece, planLoad, planTensors, type ShardPlan } from "./plan.ts";

export interface LoadOptions {
  readonly signal?: AbortSignal;
  /** Called after every shard. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Size of the source's shards, where it is not SHARD_BYTES. */
  readonly shardBytes?: number;
}

/**
 * Writes every tensor the model needs to the backend, in the order of the file, while the next shard is being read. False where a stored
 * shard turned out damaged when its rows had been written: it is whole again, and all has to be written to a fresh backend.
 * Throws what the source and the backend throw, `truncated_file`, and `aborted`.
 */
export async function loadWeights(
  source: ByteSource,
  model: Model,
  backend: Backend,
  options: LoadOptions = {},
): Promise<boolean> {
  const { signal, onProgress, shardBytes = SHARD_BYTES } = options;
  const { shards, totalBytes } = planLoad(model, shardBytes);
  let doneBytes = 0;
  const damaged = await writeShards(source, shards, new RowWriter(backend), {
    signal,
    shardBytes,
    open: (shard, reading) => new ShardReader(source.pieces?.(shard.index) ?? null, whole(source, shard.index, reading)),
    onShard: ({ pieces }) => onProgress?.((doneBytes += lengthOf(pieces)), totalBytes),
  });
  if (damaged === null) return true;
  await source.shard(damaged, signal);
  return false;
}

/**
 * Reads some tensors again, and nothing else, of a model that was loaded before: its shards have been compared with their checksums. Rows
 * come in whole groups of `rowGroup`, tensors in the order of the file. Throws what the source and `write` throw, and `aborted`.
 */
export async function readTensors(
  source: ByteSource,
  tensors: readonly Tensor[],
  sink: Pick<Backend, "rowGroup" | "write">,
  { signal, shardBytes = SHARD_BYTES }: Omit<LoadOptions, "onProgress"> = {},
): Promise<void> {
  const { shards } = planTensors(tensors, shardBytes);
  const open = ({ index, pieces }: ShardPlan, reading: AbortSignal): ShardReader => {
    const [from, to] = [pieces[0]!.from, pieces.at(-1)!.to];
    const stream = source.pieces?.(index, from, to) ?? null;
    return new ShardReader(stream, part(source, index * shardBytes + from, to - from, reading), from);
  };
  const damaged = await writeShards(source, shards, new RowWriter(sink), { signal, shardBytes, open });
  if (damaged === null) return;
  throw new EngineError("damaged", `Stored weights of ${source.name} can no longer be read.`, "Load the model again.");
}

interface ShardWork {
  readonly signal: AbortSignal | undefined;
  readonly shardBytes: number;
  open(shard: ShardPlan, signal: AbortSignal): ShardReader;
  onShard?(shard: ShardPlan): void;
}

/** Writes the pieces of shards. Gives the index of a shard that was stored and turned out damaged, and ends there; else null. */
async function writeShards(
  source: ByteSource,
  shards: readonly ShardPlan[],
  rows: RowWriter,
  { signal, shardBytes, open, onShard }: ShardWork,
): Promise<number | null> {
  const stop = new AbortController(); // ends the reading ahead when something fails
  const reading = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let reader = shards[0] ? open(shards[0], reading) : null;
  let next: ShardReader | null = null;
  let index = 0;
  try {
    for (const [i, shard] of shards.entries()) {
      const { pieces } = shard;
      index = shard.index;
      next = shards[i + 1] ? open(shards[i + 1]!, reading) : null;
      let at = reader!.from;
      for (let bytes = await reader!.next(); bytes; bytes = await reader!.next()) {
        const end = at + bytes.length;
        for (const piece of pieces) {
          if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
          const [from, to] = [Math.max(at, piece.from), Math.min(end, piece.to)];
          if (from < to) await rows.write(piece, bytes.subarray(from - at, to - at));
        }
        at = end;
      }
      if (at < pieces.at(-1)!.to) throw endsEarly(source, index * shardBytes + at);
      onShard?.(shard);
      reader = next;
    }
    return null;
  } catch (error) {
    if (!reader?.streams || EngineError.record(error).code !== "damaged") throw error;
    return index;
  } finally {
    stop.abort();
    reader?.close();
    next?.close();
  }
}

/** A shard's bytes, the first of them asked for at once. */
class ShardReader {
  /** They come from the store as they are read, and are found good or damaged in the end. */
  readonly streams: boolean;
  private readonly pieces: AsyncIterator<Uint8Array<ArrayBuffer>, void>;
  private first: Promise<IteratorResult<Uint8Array<ArrayBuffer>, void>> | null;

  /** `stream`: of the store, null where there is none and `other` has to do. `from`: position of the first byte in the shard. */
  constructor(
    stream: AsyncIterable<Uint8Array<ArrayBuffer>> | null,
    other: AsyncIterable<Uint8Array<ArrayBuffer>>,
    readonly from = 0,
  ) {
    this.streams = stream !== null;
    this.pieces = (stream ?? other)[Symbol.asyncIterator]();
    this.first = this.pieces.next();
    this.first.catch(() => null); // waited for in its turn; until then a failure is not unhandled
  }

  /** The next piece, valid until the one after it is asked for; null at the end. */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    const step = await (this.first ?? this.pieces.next());
    this.first = null;
    return step.done ? null : step.value;
  }

  /** Asks for no more. */
  close(): void {
    this.pieces.return?.().catch(() => null); // nobody waits for it
  }
}

async function* whole(source: ByteSource, index: number, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const bytes = await source.shard(index, signal);
  yield bytes;
  release(bytes);
}

async function* part(
  source: ByteSource,
  offset: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  yield await source.read(offset, length, signal);
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { from, to }) => sum + to - from, 0);
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

  constructor(private readonly backend: Pick<Backend, "rowGroup" | "write">) {}

  /** Takes the next bytes of a tensor; after its last byte everything of it has been written. */
  async write({ tensor, whole, firstRow }: Piece, bytes: Uint8Array): Promise<void> {
    const rowBytes = tensor.sizeBytes / tensor.rows;
    const groupBytes = rowBytes * this.backend.rowGroup;
    const send = async (group: Uint8Array): Promise<void> => {
      await this.backend.write(whole, firstRow + this.row, group);
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
    const until = ending ? bytes.length : at + Math.floor((bytes.length - at) / groupBytes) * groupBytes;
    if (until > at) await send(bytes.subarray(at, until));
    this.keep(bytes.subarray(until), groupBytes);
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
