// A whole model of random weights: tokens per second of decoding and reading, beside the memory's speed.
import type { QuantName } from "../../../../../shaders/quant/index.ts";
import type { Backend } from "../../../../../workers/engine/base/backend.ts";
import type { Host } from "../../../../../workers/engine/base/host.ts";
import type { Shape } from "../../../../../workers/engine/base/model.ts";
import type { LevelName } from "../../../../../workers/engine/cpu/kernels.ts";
import { openCpu } from "../../../../../workers/engine/cpu/open.ts";
import { smallModel, writeRandom } from "../small-model.ts";

const SHAPES: Record<string, Shape> = {
  "135M": {
    layers: 30,
    dim: 576,
    ffnDim: 1536,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    vocab: 49152,
    contextLength: 8192,
    epsilon: 1e-5,
  },
  "1.1B": {
    layers: 22,
    dim: 2048,
    ffnDim: 5632,
    heads: 32,
    kvHeads: 4,
    headDim: 64,
    vocab: 32000,
    contextLength: 8192,
    epsilon: 1e-5,
  },
  "3B": {
    layers: 28,
    dim: 3072,
    ffnDim: 8192,
    heads: 24,
    kvHeads: 8,
    headDim: 128,
    vocab: 32000,
    contextLength: 8192,
    epsilon: 1e-5,
  },
  "7B": {
    layers: 32,
    dim: 4096,
    ffnDim: 11008,
    heads: 32,
    kvHeads: 32,
    headDim: 128,
    vocab: 32000,
    contextLength: 2048,
    epsilon: 1e-5,
  },
};

export interface ModelJob {
  readonly shape: string;
  readonly type: QuantName;
  readonly head: QuantName;
  readonly level: LevelName;
  readonly threads: number;
  /** Positions to decode from. */
  readonly contexts: readonly number[];
  readonly decode: number;
  readonly prefill: number;
}

export interface ModelTime {
  readonly info: unknown;
  readonly prefillTokensPerSecond: number[];
  readonly decodeTokensPerSecond: Record<number, number[]>;
  /** Of the fastest token, and the tenth of a hundred: what is left when other programs' time slices are not counted. */
  readonly bestMilliseconds: Record<number, [number, number]>;
}

export async function timeModel(host: Host, job: ModelJob): Promise<ModelTime> {
  const model = smallModel(SHAPES[job.shape]!, (name) => (name.startsWith("token_embd") ? job.head : job.type), true);
  const room = Math.max(...job.contexts, job.prefill) + job.decode + 8;
  const backend = await openCpu(host, model, room, { level: job.level, threads: job.threads });
  await writeRandom(model, backend);
  await fillCache(backend, Math.max(...job.contexts));
  await backend.ready();
  const prefill: number[] = [];
  const prompt = Uint32Array.from({ length: job.prefill }, (_, i) => (i * 7919) % model.shape.vocab);
  for (let run = 0; run < 3 && job.prefill > 0; run++) {
    const from = host.now();
    for (let at = 0; at < prompt.length; at += backend.chunk) {
      const end = Math.min(prompt.length, at + backend.chunk);
      await backend.forward(prompt.subarray(at, end), at, end === prompt.length ? "last" : "none");
    }
    prefill.push((1000 * prompt.length) / (host.now() - from));
  }
  const decode: Record<number, number[]> = {};
  const best: ModelTime["bestMilliseconds"] = {};
  for (const context of job.contexts) {
    const each: number[] = [];
    decode[context] = [];
    for (let run = 0; run < 3; run++) {
      const from = host.now();
      for (let i = 0; i < job.decode; i++) {
        const start = host.now();
        await backend.forward(Uint32Array.of(i), context + i, "last");
        each.push(host.now() - start);
      }
      decode[context].push((1000 * job.decode) / (host.now() - from));
    }
    each.sort((a, b) => a - b);
    best[context] = [each[0]!, each[Math.floor(each.length / 10)]!];
  }
  backend.dispose();
  return { info: backend.info, prefillTokensPerSecond: prefill, decodeTokensPerSecond: decode, bestMilliseconds: best };
}

/** Writes so many positions: memory that nothing was written to is one page of zeros, and never far from the processor. */
async function fillCache({ snapshots }: Backend, positions: number): Promise<void> {
  const step = 64;
  for (let at = 0; at < positions; at += step) {
    await snapshots!.write(at, new Uint8Array(Math.min(step, positions - at) * snapshots!.positionBytes));
  }
}
