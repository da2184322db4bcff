// Golden logits of adapters on the GPU (../shared/golden; made by a numpy reference of its own). T0 on SwiftShader.
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { QUANTS } from "../../../../shaders/quant/index.ts";
import type { Adapter, LowRank } from "../../../../workers/engine/base/adapter.ts";
import type { Tensor } from "../../../../workers/engine/base/model.ts";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { openGpu } from "../../../../workers/engine/gpu/open.ts";
import { fileSource } from "../../../golden/sources.ts";
import { open, type Opened } from "../../../numbers/engines.ts";
import { dawn, nodeHost } from "../../../shaders/dawn.ts";

const GOLDEN = new URL("../../../../../shared/golden/", import.meta.url);
const here = (name: string): string => new URL(name, GOLDEN).pathname;
// Half floats in the cache make all of it: the double-precision reference with its keys and values rounded to halves is 0.0146 and
// 0.0578 from these logits, and 0.00002 without.
const TOLERANCE = { base: 0.016, lora: 0.06 };

describe.skipIf(!existsSync(GOLDEN))("the golden logits", () => {
  let opened: Opened;

  beforeAll(async () => {
    const tuning = { lanes: {}, many: "few" as const, milliseconds: 0 };
    const source = fileSource(here("stories260K.f32.gguf"));
    opened = await open((...args) => openGpu(...args, { tier: "T0", tuning }), nodeHost(dawn()), source);
    source.close();
  });
  afterAll(() => opened.backend.dispose());

  /** The largest difference at 16 positions, run as many, a few and one. */
  async function difference(name: string): Promise<number> {
    const golden = new Float32Array(new Uint8Array(readFileSync(here(`stories260K.${name}.logits.f32.bin`))).buffer);
    const { prompt } = JSON.parse(readFileSync(here("golden.json"), "utf8")).stories260K;
    let worst = 0;
    for (const [from, to] of [
      [0, 10],
      [10, 15],
      [15, 16],
    ] as const) {
      const found = await opened.backend.forward(Uint32Array.from(prompt.slice(from, to)), from, "all");
      for (const [i, value] of found.entries()) worst = Math.max(worst, Math.abs(value - golden[from * opened.vocab + i]!));
    }
    return worst;
  }

  it("of the plain model are met", async () => {
    expect(await difference("base")).toBeLessThan(TOLERANCE.base);
  });

  it("of a LoRA are met", async () => {
    const rack = opened.backend.adapters!;
    const lora = await rack.add(await readLora(here("stories260K.lora.f32.gguf")));
    rack.use([{ adapter: lora, scale: 1 }]);
    expect(await difference("lora")).toBeLessThan(TOLERANCE.lora);
    rack.remove(lora);
    expect(await difference("base")).toBeLessThan(TOLERANCE.base);
  });
});

/** A LoRA of a GGUF file, whose alpha is 16. */
async function readLora(path: string): Promise<Adapter> {
  const source = fileSource(path);
  const { tensors } = await readGguf(source);
  const floats = async (tensor: Tensor): Promise<Float32Array> => {
    const out = new Float32Array(tensor.rows * tensor.cols);
    QUANTS[tensor.type].dequantize(await source.read(tensor.offset, tensor.sizeBytes), out);
    return out;
  };
  const lowRank = new Map<string, LowRank>();
  for (const [name, tensor] of tensors) {
    if (!name.endsWith(".lora_a")) continue;
    const weight = name.slice(0, -".lora_a".length);
    const b = await floats(tensors.get(`${weight}.lora_b`)!);
    lowRank.set(weight, { rank: tensor.rows, a: await floats(tensor), b: b.map((value) => (value * 16) / tensor.rows) });
  }
  source.close();
  return { lowRank, prompts: new Map() };
}
