// Which shards of a file hold which bytes of the tensors a model needs.
import type { Model, Tensor } from "../base/model.ts";
import { SHARD_BYTES } from "../base/source.ts";

/** A run of a tensor's bytes inside one shard. */
export interface Piece {
  /** As it lies in the file. */
  readonly tensor: Tensor;
  /** The tensor it is rows of, from `firstRow` on: itself, but for experts that the file keeps apart. */
  readonly whole: Tensor;
  readonly firstRow: number;
  /** First byte, counted from the start of the shard. */
  readonly from: number;
  /** Byte after the last. */
  readonly to: number;
}

/** A shard with something needed in it; its pieces in the order of the file. */
export interface ShardPlan {
  readonly index: number;
  readonly pieces: readonly Piece[];
}

/** What has to be read to load a model: shards in the order of the file, without those that hold nothing it needs. */
export interface LoadPlan {
  readonly shards: readonly ShardPlan[];
  /** Bytes of all pieces together. */
  readonly totalBytes: number;
}

/** The tensors a model needs, each once, in the order of the file. A tied embedding is needed by two segments. */
export function neededTensors(model: Model): Tensor[] {
  const byName = new Map(model.segments.flatMap(({ needs }) => needs).map((tensor) => [tensor.name, tensor]));
  return [...byName.values()].sort((a, b) => a.offset - b.offset);
}

/** Plans the loading of a model from shards of `shardBytes`. */
export function planLoad(model: Model, shardBytes = SHARD_BYTES): LoadPlan {
  return planTensors(neededTensors(model), shardBytes);
}

/** The same for some tensors. */
export function planTensors(tensors: readonly Tensor[], shardBytes = SHARD_BYTES): LoadPlan {
  const shards = new Map<number, Piece[]>();
  const stored = tensors.flatMap(storedParts).sort((a, b) => a.tensor.offset - b.tensor.offset);
  for (const { tensor, ...place } of stored) {
    const end = tensor.offset + tensor.sizeBytes;
    for (let index = Math.floor(tensor.offset / shardBytes); index * shardBytes < end; index++) {
      const start = index * shardBytes;
      const piece = { tensor, ...place, from: Math.max(0, tensor.offset - start), to: Math.min(shardBytes, end - start) };
      shards.set(index, [...(shards.get(index) ?? []), piece]);
    }
  }
  return {
    shards: [...shards].map(([index, pieces]) => ({ index, pieces })),
    totalBytes: tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

function storedParts(whole: Tensor): Pick<Piece, "tensor" | "whole" | "firstRow">[] {
  let row = 0;
  return (whole.parts ?? [whole]).map((tensor) => {
    const firstRow = row;
    row += tensor.rows;
    return { tensor, whole, firstRow };
  });
}
