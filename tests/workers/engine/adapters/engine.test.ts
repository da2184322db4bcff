// Adapters on the WASM backend, through the whole engine: golden logits, per request, and nothing left of the last one.
import { afterAll, describe, expect, it } from "vitest";
import type { Adapter } from "../../../../workers/engine/base/adapter.ts";
import type { GateReading } from "../../../../workers/engine/base/adapters.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { loraFor } from "../../../../workers/engine/adapters/fit.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { promptsFor } from "../../../../workers/engine/adapters/prompts.ts";
import { openBackend } from "../../../../workers/engine/backends.ts";
import { openEngine, type Engine } from "../../../../workers/engine/engine.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";
import { distance } from "../../../numbers/distance.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { nodeHost } from "../node-host.ts";
import { golden, goldenLogits, goldenPrompt } from "./golden.ts";
import { mergedModel } from "./merged.ts";
import { referenceLogits } from "./reference.ts";

/** What the float bar allows: keys and values are halves there. */
const BAR = 0.002;
const LORA = ["lora-peft/adapter_config.json", "lora-peft/adapter_model.safetensors"];

describe.skipIf(GOLDEN === null)("on WASM", () => {
  it.each<[string, readonly string[], GateReading | null, string]>([
    ["PEFT's safetensors", LORA, null, "lora"],
    ["PEFT's PyTorch file", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"], null, "lora"],
    ["a GGUF LoRA", ["stories260K.lora.f32.gguf"], null, "lora"],
    ["LLaMA-Adapter, its gates as they are stored", ["llama_adapter_len10_layer3.pth"], "raw", "adapterv1.rawgate"],
    ["LLaMA-Adapter, its gates' tanh", ["llama_adapter_len10_layer3.pth"], "tanh", "adapterv1.tanhgate"],
  ])("%s gives the golden logits", async (_, files, gate, wanted) => {
    const source = golden("stories260K.f32.gguf")[0]!;
    const logits = await backendLogits(source, [await read(files, source, gate ?? "raw")]);
    expect(distance(logitsOf(goldenLogits(wanted)), logitsOf(logits)).d).toBeLessThan(BAR);
  });

  it("LLaMA-Adapter V2, merged, gives the golden logits", async () => {
    const logits = await backendLogits(await mergedModel(golden("chat_bias_scale_norm.pth"), "F32"), []);
    expect(distance(logitsOf(goldenLogits("adapterv2")), logitsOf(logits)).d).toBeLessThan(BAR);
  });

  it("two at once are the sum of both, each as strong as it is set", async () => {
    const source = golden("stories260K.f32.gguf")[0]!;
    const both = [await read(LORA, source, "raw"), await read(["llama_adapter_len10_layer3.pth"], source, "tanh")];
    const logits = await backendLogits(source, both, [0.5, 1.5]);
    const right = await referenceLogits(source, goldenPrompt(), [
      { adapter: both[0]!, scale: 0.5 },
      { adapter: both[1]!, scale: 1.5 },
    ]);
    expect(distance(logitsOf(right), logitsOf(logits)).d).toBeLessThan(BAR);
  });
});

describe.skipIf(GOLDEN === null)("requests", async () => {
  const engine: Engine | null = GOLDEN ? await opened() : null;
  afterAll(() => engine?.close());

  it("apply an adapter each, and forget what was read without it", async () => {
    await engine!.adapters.add({ id: "story", files: golden(...LORA), gate: null });
    const plain = await say([]);
    const adapted = await say([{ id: "story" }]);
    expect(adapted.text).not.toBe(plain.text);
    expect(adapted.cachedTokens).toBe(0);
    expect(await say([{ id: "story" }])).toEqual({ text: adapted.text, cachedTokens: goldenPrompt().length - 1 });
    expect((await say([{ id: "story", scale: 0 }])).text).toBe(plain.text);
    expect((await say([])).text).toBe(plain.text);
  });

  it("score with one as they answer with it", async () => {
    const context = goldenPrompt();
    const score = (adapters: { id: string }[]) =>
      engine!
        .score({ context, continuations: [[403, 407], [424]], adapters })()
        .then(({ scores }) => scores[0]!.logprobs[0]!);
    const [without, beside, again] = [await score([]), await score([{ id: "story" }]), await score([])];
    expect(Math.abs(without - beside)).toBeGreaterThan(0.5);
    expect(again).toBe(without);
  });

  it("are refused for an adapter that was removed", async () => {
    engine!.adapters.remove("story");
    expect(() => engine!.complete({ prompt: goldenPrompt(), adapters: [{ id: "story" }] })).toThrow(/no adapter "story"/);
    expect(() => engine!.score({ context: "a", continuations: ["b"], adapters: [{ id: "story" }] })).toThrow(/no adapter/);
  });

  async function opened(): Promise<Engine> {
    const file = await readModelFile(golden("stories260K.f32.gguf")[0]!);
    const options = { id: "f32", name: null, backend: "wasm", contextLength: 64, defaults: null } as const;
    return openEngine(nodeHost({ threads: 1 }), file, options);
  }

  async function say(adapters: { id: string; scale?: number }[]): Promise<{ text: string; cachedTokens: number }> {
    const pieces = engine!.complete({ prompt: goldenPrompt(), max_tokens: 12, temperature: 0, adapters })();
    let text = "";
    for (;;) {
      const next = await pieces.next();
      if (next.done) return { text, cachedTokens: next.value.cachedTokens };
      text += next.value.text;
    }
  }
});

function logitsOf(values: ArrayLike<number>): { vocab: number; values: Float32Array } {
  return { vocab: 512, values: Float32Array.from(values) };
}

async function read(files: readonly string[], source: ByteSource, gate: GateReading): Promise<Adapter> {
  const { model } = await readModelFile(source);
  const contents = await openAdapter(golden(...files), model.shape);
  if (contents.kind === "lora") return loraFor(model, contents);
  if (contents.kind === "tuning") throw new Error("has to be merged");
  return promptsFor(contents, { model, source, gate, breathe: () => Promise.resolve() });
}

async function backendLogits(
  source: ByteSource,
  adapters: readonly Adapter[],
  scales: readonly number[] = [],
): Promise<Float32Array> {
  const options = { backend: "wasm", contextLength: 64 } as const;
  const { backend } = await openBackend(nodeHost({ threads: 1 }), await readModelFile(source), options);
  try {
    const numbers: number[] = [];
    for (const adapter of adapters) numbers.push(await backend.adapters!.add(adapter));
    backend.adapters!.use(numbers.map((adapter, i) => ({ adapter, scale: scales[i] ?? 1 })));
    return (await backend.forward(Uint32Array.from(goldenPrompt()), 0, "all")).slice();
  } finally {
    backend.dispose();
  }
}
