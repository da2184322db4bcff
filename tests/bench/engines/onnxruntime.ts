// onnxruntime-web: not a model but its matrix products alone, as MatMulNBits nodes of the model's shapes. No norm, no attention, no cache,
// random weights: a model on it cannot be faster than this, so its column is a bound in its favour.
import type { InferenceSession, Tensor } from "onnxruntime-web";
import type { Answer, Engine, Loaded, Prompt, Setup } from "./engine.ts";
import { productsGraph, type Product } from "./onnx.ts";

const PACKAGE = "/packages/onnxruntime-web/dist/";

/** A session and its inputs, by name, as lengths of a row. */
interface Products {
  readonly session: InferenceSession;
  readonly inputs: Readonly<Record<string, number>>;
}

/** The products of one layer, run once for each layer, and those of the head. */
export class OnnxRuntimeEngine implements Engine {
  private ort: typeof import("onnxruntime-web") | null = null;
  private layer: Products | null = null;
  private head: Products | null = null;
  private layers = 0;

  async load({ threads, backend, shape }: Setup): Promise<Loaded> {
    const ort = (await import(
      /* @vite-ignore */ `${PACKAGE}ort${backend === "webgpu" ? ".webgpu" : ".wasm"}.min.mjs`
    )) as typeof import("onnxruntime-web");
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = new URL(PACKAGE, location.href).href;
    const { dim, ffnDim, kvDim, vocab, bits } = shape;
    const products: Product[] = [
      { name: "q", input: "hidden", rows: dim, cols: dim },
      { name: "k", input: "hidden", rows: kvDim, cols: dim },
      { name: "v", input: "hidden", rows: kvDim, cols: dim },
      { name: "o", input: "hidden", rows: dim, cols: dim },
      { name: "gate", input: "hidden", rows: ffnDim, cols: dim },
      { name: "up", input: "hidden", rows: ffnDim, cols: dim },
      { name: "down", input: "inner", rows: dim, cols: ffnDim },
    ];
    const create = (graph: Product[]): Promise<InferenceSession> =>
      ort.InferenceSession.create(productsGraph(graph, bits), { executionProviders: [backend] });
    this.ort = ort;
    this.layers = shape.layers;
    this.layer = { session: await create(products), inputs: { hidden: dim, inner: ffnDim } };
    this.head = { session: await create([{ name: "logits", input: "hidden", rows: vocab, cols: dim }]), inputs: { hidden: dim } };
    return { threads: backend === "webgpu" ? 0 : threads, level: "products only" };
  }

  async complete({ ids }: Prompt, tokens: number): Promise<Answer> {
    for (let token = 0; token < tokens; token++) {
      for (let layer = 0; layer < this.layers; layer++) await this.run(this.layer!, token === 0 ? ids.length : 1);
      await this.run(this.head!, 1);
    }
    return { text: "", promptTokens: ids.length, cachedTokens: 0, completionTokens: tokens };
  }

  async unload(): Promise<void> {
    await this.layer?.session.release();
    await this.head?.session.release();
    this.layer = this.head = null;
  }

  private async run({ session, inputs }: Products, rows: number): Promise<void> {
    const feeds: Record<string, Tensor> = {};
    for (const [name, length] of Object.entries(inputs)) {
      feeds[name] = new this.ort!.Tensor("float32", new Float32Array(rows * length).fill(0.5), [rows, length]);
    }
    const outputs = await session.run(feeds);
    for (const [name, output] of Object.entries(outputs)) {
      if (!Number.isFinite(output.data[output.data.length - 1])) throw new Error(`onnxruntime-web: ${name} is no number`);
      output.dispose();
    }
  }
}
