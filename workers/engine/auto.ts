// Chooses between WebGPU and WASM by measuring both on the layers of the model at hand: a weak GPU can lose to a good processor.
import type { Backend } from "./base/backend.ts";
import { EngineError } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import type { Model, Segment, Step, Tensor } from "./base/model.ts";

export type BackendName = "webgpu" | "wasm";

/** Opens a backend for a model of a short context. */
export type Open = (host: Host, model: Model, contextLength: number) => Promise<Backend>;

/** Which backend to use, and why, for people. */
export interface Chosen {
  readonly kind: BackendName;
  readonly reason: string;
}

/** Changes whenever a backend does so much that old measurements are not to be believed. */
const VERSION = 1;
/** Different layers that are measured, at least: more than caches hold. */
const PROBE_BYTES = 64e6;
const PROBE_CONTEXT = 128;
const PROBE_VOCAB = 256;
const READ_TOKENS = 64;
const MEASURE_MS = 150;

/**
 * Measures a model's layers on both backends, for a fraction of a second each, and takes the faster one; remembers it for this GPU and
 * models of about this size. A software adapter is not measured: it computes on the same processor, by way of a general compiler.
 */
export async function chooseBackend(host: Host, model: Model, open: Readonly<Record<BackendName, Open>>): Promise<Chosen> {
  const adapter = await host.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!host.gpu) return { kind: "wasm", reason: "This browser has no WebGPU here." };
  if (!adapter) return { kind: "wasm", reason: "WebGPU finds no graphics card." };
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  if (isFallbackAdapter) return { kind: "wasm", reason: "WebGPU has only a software adapter here." };
  const name = [vendor, architecture, device, description].filter(Boolean).join(" ");
  const key = `backend ${VERSION} ${name} ${host.cores} ${host.isolated} ${sizeClass(model)}`;
  const known = await host.recall(key);
  if (isChosen(known)) return known;
  const probe = probeModel(model);
  let gpuMs: number;
  try {
    gpuMs = await turnMs(await open.webgpu(host, probe, PROBE_CONTEXT), probe, host);
  } catch (error) {
    return { kind: "wasm", reason: `WebGPU failed: ${EngineError.record(error).message}` }; // perhaps not the next time
  }
  const processor = open.wasm(host, probe, PROBE_CONTEXT).then((backend) => turnMs(backend, probe, host));
  const cpuMs = await processor.catch(() => Infinity);
  const chosen = compare(gpuMs, cpuMs);
  await host.remember(key, chosen);
  return chosen;
}

function compare(gpuMs: number, cpuMs: number): Chosen {
  if (cpuMs === Infinity) return { kind: "webgpu", reason: "The processor cannot run the model." };
  const times = (slow: number, fast: number): string => (slow / fast).toFixed(1);
  if (gpuMs <= cpuMs) return { kind: "webgpu", reason: `Measured ${times(cpuMs, gpuMs)} times as fast as the processor.` };
  return { kind: "wasm", reason: `The processor was measured ${times(gpuMs, cpuMs)} times as fast as WebGPU.` };
}

/** The same layers, of which few are different (`leastBytes` of them), over and over, and hardly a vocabulary. */
export function probeModel({ shape, rope, segments }: Model, leastBytes = PROBE_BYTES): Model {
  const layers = segments.slice(1, -1);
  const different: Segment[] = [];
  let bytes = 0;
  for (const layer of layers) {
    if (bytes > leastBytes) break;
    different.push(layer);
    bytes += layer.needs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }
  const vocab = Math.min(shape.vocab, PROBE_VOCAB);
  const shorten = (tensor: Tensor): Tensor =>
    tensor.rows === 1 ? tensor : { ...tensor, rows: vocab, sizeBytes: (tensor.sizeBytes / tensor.rows) * vocab };
  const short = ({ name, needs, steps }: Segment): Segment => {
    const shorter = new Map(needs.map((tensor) => [tensor, shorten(tensor)]));
    const shortStep = (step: Step): Step => ("weight" in step ? { ...step, weight: shorter.get(step.weight)! } : step);
    return { name, needs: [...shorter.values()], steps: steps.map(shortStep) };
  };
  const repeated = layers.map(({ name }, i): Segment => {
    const { needs, steps } = different[i % different.length]!;
    return { name, needs, steps: steps.map((step) => (step.op === "attend" ? { ...step, layer: i } : step)) };
  });
  return { shape: { ...shape, vocab }, rope, segments: [short(segments[0]!), ...repeated, short(segments.at(-1)!)] };
}

/** Milliseconds for two tokens read and one written, as in a chat. Frees the backend. */
async function turnMs(backend: Backend, model: Model, host: Host): Promise<number> {
  try {
    for (const tensor of new Map(model.segments.flatMap(({ needs }) => needs.map((need) => [need.name, need]))).values()) {
      await writeZeros(backend, tensor); // as fast as any other numbers
    }
    await backend.ready();
    const readMs = await best(host, async () => {
      await backend.forward(new Uint32Array(READ_TOKENS), 0, "none");
      return READ_TOKENS;
    });
    return 2 * readMs + (await best(host, () => write(backend)));
  } finally {
    backend.dispose();
  }
}

async function writeZeros(backend: Backend, tensor: Tensor): Promise<void> {
  const rowBytes = tensor.sizeBytes / tensor.rows;
  const rows = Math.max(1, Math.floor(2 ** 22 / rowBytes / backend.rowGroup)) * backend.rowGroup;
  const zeros = new Uint8Array(Math.min(rows, tensor.rows) * rowBytes);
  for (let row = 0; row < tensor.rows; row += rows) {
    await backend.write(tensor, row, zeros.subarray(0, Math.min(rows, tensor.rows - row) * rowBytes));
  }
}

/** Writes some tokens, and says how many. */
async function write(backend: Backend): Promise<number> {
  await backend.forward(Uint32Array.of(0), 0, "last");
  if (!backend.decode) return 1;
  const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, repeatWindow: 0, seed: 1 };
  let tokens = 1;
  const request = { at: 1, limit: 24, sampling, recent: [], endIds: [], stopped: () => false };
  for await (const ids of backend.decode(request)) tokens += ids.length;
  return tokens;
}

/** Milliseconds a token in the fastest of several rounds, after one that does not count. */
async function best(host: Host, round: () => Promise<number>): Promise<number> {
  const start = host.now();
  let least = Infinity;
  for (let i = 0; i < 2 || host.now() - start < MEASURE_MS; i++) {
    const begin = host.now();
    const tokens = await round();
    if (i > 0) least = Math.min(least, (host.now() - begin) / tokens);
  }
  return least;
}

/** Models of a class differ by less than a factor of two in bytes. */
function sizeClass({ segments }: Model): number {
  return Math.round(Math.log2(segments.flatMap(({ needs }) => needs).reduce((sum, { sizeBytes }) => sum + sizeBytes, 1)));
}

function isChosen(fact: unknown): fact is Chosen {
  if (typeof fact !== "object" || fact === null || !("kind" in fact) || !("reason" in fact)) return false;
  return (fact.kind === "webgpu" || fact.kind === "wasm") && typeof fact.reason === "string";
}
