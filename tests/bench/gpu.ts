// Speed of the WebGPU engine, headless on Dawn: synthetic weights in the shapes of 135M, 1B, 3B and 8B models, every tier the GPU has.
//   npx tsx --import ./tests/raw.mjs tests/bench/gpu.ts [--driver system|swiftshader|lavapipe] [--shapes 135M,1B] [--tiers T0,T2]
//     [--type Q4_0] [--prefill 512] [--decode 64] [--context 0,1024,4096]
//     [--cache f16|int8]
// Prints one JSON object a line: the machine's bandwidth first, then a record for each shape, tier and context; at the end a table.
import { parseArgs } from "node:util";
import type { LayoutName } from "../../shaders/layouts.ts";
import { LAYOUTS } from "../../shaders/layouts.ts";
import { QUANTS } from "../../shaders/quant/index.ts";
import type { Backend } from "../../workers/engine/base/backend.ts";
import { EngineError } from "../../workers/engine/base/errors.ts";
import type { Model, Shape, Tensor } from "../../workers/engine/base/model.ts";
import { openDevice } from "../../workers/engine/gpu/device.ts";
import { rowBytes } from "../../workers/engine/gpu/memory.ts";
import { openGpu } from "../../workers/engine/gpu/open.ts";
import { missing, type TierName, TIERS } from "../../workers/engine/gpu/tiers.ts";
import { describeLlama } from "../../workers/engine/model/llama.ts";
import { dawn, nodeHost, type Driver } from "../shaders/dawn.ts";
import { counting, type Counts } from "../workers/engine/gpu/counting.ts";
import { bandwidth } from "./bandwidth.ts";

const common = { contextLength: 8192, epsilon: 1e-5 };
const SHAPES: Record<string, Shape> = {
  "135M": { layers: 30, dim: 576, ffnDim: 1536, heads: 9, kvHeads: 3, headDim: 64, vocab: 49152, ...common },
  "1B": { layers: 16, dim: 2048, ffnDim: 8192, heads: 32, kvHeads: 8, headDim: 64, vocab: 128256, ...common },
  "3B": { layers: 28, dim: 3072, ffnDim: 8192, heads: 24, kvHeads: 8, headDim: 128, vocab: 128256, ...common },
  "8B": { layers: 32, dim: 4096, ffnDim: 14336, heads: 32, kvHeads: 8, headDim: 128, vocab: 128256, ...common },
};

const { values: options } = parseArgs({
  options: {
    driver: { type: "string", default: "system" },
    shapes: { type: "string", default: Object.keys(SHAPES).join(",") },
    tiers: { type: "string", default: "T0,T1,T2,T3" },
    type: { type: "string", default: "Q4_0" },
    prefill: { type: "string", default: "512" },
    decode: { type: "string", default: "64" },
    context: { type: "string", default: "0,1024,4096" },
    cache: { type: "string", default: "f16" },
  },
});

/** What is measured of a shape in a tier at a context. */
interface Figures {
  readonly shape: string;
  readonly tier: TierName;
  readonly type: string;
  readonly context: number;
  readonly loadMs: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  /** How many times faster tokens are read than written. */
  readonly prefillToDecode: number;
  readonly weightBytesPerToken: number;
  /** Weights, keys and values that a token reads, of what the GPU reads alone in the same time. */
  readonly bandwidthShare: number;
  readonly dispatchesPerToken: number;
  readonly submitsPerToken: number;
  readonly writesPerToken: number;
  readonly createdPerToken: number;
}

const counts: Counts = {};
const figures: Figures[] = [];
const gpu = dawn(driverOf(options.driver));
const host = nodeHost(counting(gpu, counts));
const device = await openDevice(nodeHost(gpu));
const bytesPerSecond = await bandwidth(device.device);
print({ adapter: device.adapterName, bandwidthGBps: round(bytesPerSecond / 1e9) });
for (const name of options.shapes.split(",")) {
  for (const tier of TIERS.filter((each) => options.tiers.split(",").includes(each.name))) {
    const lacking = missing(tier, device.features, device.language);
    if (lacking) print({ shape: name, tier: tier.name, skipped: `needs ${lacking}` });
    else await measure(name, SHAPES[name]!, tier.name);
  }
}
console.log(`\n${table(figures)}`);
process.exit(0); // Dawn keeps the process alive

async function measure(name: string, shape: Shape, tier: TierName): Promise<void> {
  const cache = options.cache === "int8" ? "int8" : "f16";
  const contexts = options.context.split(",").map(Number);
  const tokens = Number(options.decode);
  const prefill = Number(options.prefill);
  const room = Math.max(prefill, ...contexts) + tokens + 8;
  let backend: Backend;
  const began = performance.now();
  try {
    const model = syntheticModel(shape, typeOf(options.type));
    backend = await openGpu(host, model, room, { tier, cache });
    await fill(backend, model);
    await backend.ready();
  } catch (error) {
    return print({ shape: name, tier, failed: error instanceof EngineError ? error.message : String(error) });
  }
  const loadMs = performance.now() - began;
  const prompt = Uint32Array.from({ length: prefill }, (_, i) => (i * 7919) % shape.vocab);
  await forward(backend, prompt); // once to warm up
  const start = performance.now();
  await forward(backend, prompt);
  const prefillMs = performance.now() - start;
  const { weightBytesPerToken } = backend.info;
  for (const context of contexts) {
    await decode(backend, context, 8); // the pace is known now
    const milliseconds = await decode(backend, context, tokens);
    const perToken = (key: string): number => round((counts[key] ?? 0) / tokens);
    const tokensPerSecond = (1000 * tokens) / milliseconds;
    const kvBytes = 2 * shape.layers * shape.kvHeads * rowBytes(cache, shape.headDim) * (context + tokens / 2);
    const prefillTokensPerSecond = (1000 * prefill) / prefillMs;
    const record: Figures = {
      shape: name,
      tier,
      type: options.type,
      context,
      loadMs: round(loadMs),
      prefillTokensPerSecond: round(prefillTokensPerSecond),
      decodeTokensPerSecond: round(tokensPerSecond),
      prefillToDecode: round(prefillTokensPerSecond / tokensPerSecond),
      weightBytesPerToken,
      bandwidthShare: round(((weightBytesPerToken + kvBytes) * tokensPerSecond) / bytesPerSecond),
      dispatchesPerToken: perToken("dispatchWorkgroups"),
      submitsPerToken: perToken("submit"),
      writesPerToken: perToken("writeBuffer"),
      createdPerToken: perToken("createBindGroup") + perToken("createBuffer") + perToken("createComputePipelineAsync"),
    };
    print(record);
    figures.push(record);
  }
  backend.dispose();
}

async function forward(backend: Backend, prompt: Uint32Array): Promise<void> {
  for (let at = 0; at < prompt.length; at += backend.chunk)
    await backend.forward(prompt.subarray(at, at + backend.chunk), at, "none");
}

/** Milliseconds of decoding; the cache before `at` holds whatever was there. */
async function decode(backend: Backend, at: number, limit: number): Promise<number> {
  await backend.forward(Uint32Array.of(1), Math.max(0, at - 1), "last");
  const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, repeatWindow: 0, seed: 1 };
  for (const key of Object.keys(counts)) counts[key] = 0;
  const start = performance.now();
  for await (const _ of backend.decode!({ at: Math.max(1, at), limit, sampling, recent: [], endIds: [], stopped: () => false }))
    void _;
  return performance.now() - start;
}

function syntheticModel(shape: Shape, type: LayoutName): Model {
  const { dim, ffnDim, heads, kvHeads, headDim, vocab } = shape;
  const find = (name: string): Tensor => {
    const [rows, cols] = name.includes("norm")
      ? [1, dim]
      : name.includes("attn_q")
        ? [heads * headDim, dim]
        : /attn_[kv]/.test(name)
          ? [kvHeads * headDim, dim]
          : name.includes("attn_output")
            ? [dim, heads * headDim]
            : name.includes("ffn_down")
              ? [dim, ffnDim]
              : name.includes("ffn")
                ? [ffnDim, dim]
                : [vocab, dim];
    const real = rows === 1 ? "F32" : type;
    const { blockSize, blockBytes } = QUANTS[real];
    return { name, type: real, rows, cols, offset: 0, sizeBytes: ((rows * cols) / blockSize) * blockBytes };
  };
  const frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => 500000 ** ((-2 * i) / headDim));
  return describeLlama(shape, { dims: headDim, frequencies, magnitude: 1 }, find, () => null);
}

/** Weights that are all alike: 64 rows of small random numbers, again and again. */
async function fill(backend: Backend, model: Model): Promise<void> {
  for (const tensor of new Set(model.segments.flatMap((segment) => segment.needs))) {
    const rows = Math.min(64, tensor.rows);
    const floats = Float32Array.from({ length: rows * tensor.cols }, () =>
      tensor.rows === 1 ? 1 : (Math.random() - 0.5) / Math.sqrt(tensor.cols),
    );
    const quant = QUANTS[tensor.type];
    const bytes = new Uint8Array((floats.length / quant.blockSize) * quant.blockBytes);
    if ("quantize" in quant) quant.quantize(floats, bytes);
    const rowBytes = bytes.length / rows;
    for (let row = 0; row < tensor.rows; row += rows)
      await backend.write(tensor, row, bytes.subarray(0, Math.min(rows, tensor.rows - row) * rowBytes));
  }
}

function driverOf(name: string): Driver {
  if (name === "system" || name === "swiftshader" || name === "lavapipe") return name;
  throw new Error(`--driver is system, swiftshader or lavapipe, not ${name}`);
}

function typeOf(name: string): LayoutName {
  const known = Object.keys(LAYOUTS).find((layout): layout is LayoutName => layout === name);
  if (!known) throw new Error(`--type is one of ${Object.keys(LAYOUTS).join(", ")}`);
  return known;
}

/** The figures in Markdown. */
function table(rows: readonly Figures[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  const head = [
    "shape",
    "tier",
    "context",
    "prefill, tok/s",
    "decode, tok/s",
    "prefill : decode",
    "of bandwidth",
    "dispatches",
    "submits",
  ];
  const body = rows.map((row) =>
    line([
      row.shape,
      row.tier,
      row.context,
      row.prefillTokensPerSecond,
      row.decodeTokensPerSecond,
      row.prefillToDecode,
      `${(100 * row.bandwidthShare).toFixed(1)} %`,
      row.dispatchesPerToken,
      row.submitsPerToken,
    ]),
  );
  return [line(head), line(head.map(() => "---")), ...body].join("\n");
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

function print(record: object): void {
  console.log(JSON.stringify(record));
}
