// Weights on their way into a bank: packed by threads while more are written.
import { describe, expect, it } from "vitest";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { nodeHost } from "../node-host.ts";
import { randomMatrix } from "./products.ts";
import { differing } from "./same-bits.ts";
import { smallModel, TINY, writeRandom } from "./small-model.ts";

const level = "plain";
/** Matrices larger than all slots together: 8 MB at 8 bits. */
const WIDE = { ...TINY, layers: 1, ffnDim: 10240 };

describe.each([1, 3])("weights written with %s threads", (threads) => {
  const open = (model: ReturnType<typeof smallModel>) => openCpu(nodeHost({ threads }), model, 64, { level, threads });

  it("are the same whether they come eight rows at a time or all at once, last tensor first", async () => {
    const model = smallModel(WIDE, () => "Q8_0");
    const tensors = [...new Map(model.segments.flatMap(({ needs }) => needs.map((need) => [need.name, need]))).values()];
    const logitsOf = async (backward: boolean, rowsOf: (rows: number) => number): Promise<Float32Array> => {
      const backend = await open(model);
      for (const tensor of backward ? tensors.toReversed() : tensors) {
        const { type, rows, cols, sizeBytes } = tensor;
        const bytes = rows === 1 ? new Uint8Array(new Float32Array(cols).fill(1).buffer) : randomMatrix(type, rows, cols, rows);
        const step = rowsOf(rows);
        for (let row = 0; row < rows; row += step) {
          await backend.write(tensor, row, bytes.subarray((row * sizeBytes) / rows, ((row + step) * sizeBytes) / rows));
        }
      }
      const logits = (await backend.forward(Uint32Array.of(1, 2, 3), 0, "last")).slice();
      backend.dispose();
      return logits;
    };
    const whole = await logitsOf(false, (rows) => rows);
    expect(whole.every(Number.isFinite)).toBe(true);
    expect(differing(whole, await logitsOf(true, () => 8))).toBe(0);
  });

  it("are refused, before anything runs, where a block scale is 128 or more", async () => {
    const model = smallModel(TINY, () => "Q4_0");
    const backend = await open(model);
    await writeRandom(model, backend);
    const { rows, cols, ...tensor } = model.segments[1]!.needs.find(({ rows }) => rows > 1)!;
    const bytes = randomMatrix("Q4_0", 8, cols, 1);
    new DataView(bytes.buffer).setUint16(0, 0x5800, true); // 128 in 16 bits
    const late = async (): Promise<void> => {
      await backend.write({ rows, cols, ...tensor }, 0, bytes);
      await backend.ready();
    };
    await expect(late()).rejects.toMatchObject({ code: "bad_file" });
    backend.dispose();
  });

  it("can be given up in the middle", async () => {
    const model = smallModel(WIDE, () => "Q8_0");
    const backend = await open(model);
    const up = model.segments[1]!.needs.find(({ name }) => name.includes("ffn_up"))!;
    await backend.write(up, 0, randomMatrix("Q8_0", 4096, up.cols, 1));
    backend.dispose();
    await expect(backend.write(up, 4096, new Uint8Array(8))).rejects.toMatchObject({ code: "disposed" });
  });
});
