// Runs our own backends from file to logits, for the numbers they give; in Node and in browsers.
import type { Backend, BackendInfo } from "../../workers/engine/base/backend.ts";
import type { Host } from "../../workers/engine/base/host.ts";
import type { Linear, Model, Segment } from "../../workers/engine/base/model.ts";
import type { ByteSource } from "../../workers/engine/base/source.ts";
import { readGguf } from "../../workers/engine/gguf/read.ts";
import { describe } from "../../workers/engine/model/describe.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { argmax, type Logits } from "./distance.ts";

/** `openCpu` or `openGpu`. */
export type Opener = (host: Host, model: Model, contextLength: number | null) => Promise<Backend>;

/** A backend with a model in it. */
export interface Opened {
  readonly backend: Backend;
  readonly info: BackendInfo;
  readonly vocab: number;
}

/** Loads a file into a backend; `change` may make the model another one first. */
export async function open(
  opener: Opener,
  host: Host,
  source: ByteSource,
  change = (model: Model): Model => model,
): Promise<Opened> {
  const model = change(await describe(await readGguf(source), source));
  const backend = await opener(host, model, 512);
  await loadWeights(source, model, backend);
  await backend.ready();
  return { backend, info: backend.info, vocab: model.shape.vocab };
}

/** Logits after every token of a text, in forwards of at most `chunk` tokens. */
export async function logitsAlong({ backend, vocab }: Opened, ids: readonly number[], chunk = backend.chunk): Promise<Logits> {
  const values = new Float32Array(ids.length * vocab);
  for (let at = 0; at < ids.length; at += chunk) {
    const tokens = Uint32Array.from(ids.slice(at, at + chunk));
    values.set(await backend.forward(tokens, at, "all"), at * vocab);
  }
  return { vocab, values };
}

/** The tokens a model goes on with, best first, one forward each. */
export async function greedyAfter({ backend }: Opened, prompt: readonly number[], count: number): Promise<number[]> {
  const found: number[] = [];
  for (let at = 0; at < prompt.length; at += backend.chunk) {
    const tokens = Uint32Array.from(prompt.slice(at, at + backend.chunk));
    const last = at + backend.chunk >= prompt.length;
    const logits = await backend.forward(tokens, at, last ? "last" : "none");
    if (last) found.push(argmax(logits));
  }
  while (found.length < count) {
    const logits = await backend.forward(Uint32Array.of(found.at(-1)!), prompt.length + found.length - 1, "last");
    found.push(argmax(logits));
  }
  return found;
}

/** Ways to be wrong that go unseen unless numbers are compared. */
export const MUTATIONS = {
  "RoPE base -10 %": (model: Model): Model => {
    const { dims, frequencies } = model.rope;
    // frequency i is base^(-2i / dims), so a base of 0.9 times has 0.9^(-2i / dims) times the frequency
    const turned = frequencies.map((frequency, i) => frequency * 0.9 ** ((-2 * i) / dims));
    return { ...model, rope: { ...model.rope, frequencies: turned } };
  },
  "attention scale +2 %": (model: Model): Model =>
    eachSegment(model, (steps) => steps.map((step) => (step.op === "attend" ? { ...step, scale: step.scale * 1.02 } : step))),
  "epsilon x 100": (model: Model): Model =>
    eachSegment(model, (steps) => steps.map((step) => (step.op === "linear" && step.norm ? withEpsilon(step, 100) : step))),
} as const;

function withEpsilon(step: Linear, factor: number): Linear {
  return step.norm ? { ...step, norm: { ...step.norm, epsilon: step.norm.epsilon * factor } } : step;
}

function eachSegment(model: Model, change: (steps: Segment["steps"]) => Segment["steps"]): Model {
  return { ...model, segments: model.segments.map((segment) => ({ ...segment, steps: change(segment.steps) })) };
}

/** As `logitsAlong`, but the key and value of token `lost` are gone when the next one is run. */
export async function logitsWithLoss(opened: Opened, ids: readonly number[], lost: number): Promise<Logits> {
  const { backend, vocab } = opened;
  const before = await logitsAlong(opened, ids.slice(0, lost + 1));
  const after: Float32Array[] = [];
  for (let at = lost + 1; at < ids.length; at += backend.chunk) {
    // One position early: the first of these overwrites the lost one.
    const logits = await backend.forward(Uint32Array.from(ids.slice(at, at + backend.chunk)), at - 1, "all");
    after.push(logits.slice());
  }
  const values = new Float32Array(ids.length * vocab);
  values.set(before.values);
  let to = before.values.length;
  for (const part of after) {
    values.set(part, to);
    to += part.length;
  }
  return { vocab, values };
}
