// What was trained beside a model's weights and changes what they do, without touching them: data for any backend.
// Source: Hu et al., "LoRA"; Zhang et al., "LLaMA-Adapter".

/** A low-rank change of one weight: y += scale · b · (a · x), x being what the weight is multiplied with. */
export interface LowRank {
  readonly rank: number;
  /** [rank, inputs], row-major. */
  readonly a: Float32Array;
  /** [outputs, rank], row-major, the adapter's own factor (alpha / rank) already in it. */
  readonly b: Float32Array;
}

/**
 * A learned prompt that one layer attends to beside the text: attended[h] += gate[h] · softmax(q[h] · keys / sqrt(headDim)) · values,
 * a softmax of its own. Its keys have no position; q is the turned one.
 */
export interface LayerPrompt {
  /** Positions of the prompt. */
  readonly length: number;
  /** [length, kvHeads · headDim], the layer's own maps of the learned vectors. */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  /** One factor a query head, as it is applied (tanh already taken where the reading wants it). */
  readonly gates: Float32Array;
}

/** An adapter as a backend takes it. */
export interface Adapter {
  /** Changes by the name of the weight in the file: "blk.0.attn_q.weight". */
  readonly lowRank: ReadonlyMap<string, LowRank>;
  /** Prompts by layer. */
  readonly prompts: ReadonlyMap<number, LayerPrompt>;
}

/** An adapter in use, and how strongly; 1 is as it was trained. */
export interface Applied {
  /** What `add` gave. */
  readonly adapter: number;
  readonly scale: number;
}

/** The adapters a backend holds beside its weights. */
export interface AdapterRack {
  /** Takes an adapter into memory and gives its number. Throws `bad_file` where it does not fit the model, `out_of_memory`. */
  add(adapter: Adapter): Promise<number>;
  remove(adapter: number): void;
  /** Applies these and no others from the next `forward` on. Keys and values in the cache were made under the earlier choice. */
  use(applied: readonly Applied[]): void;
}
