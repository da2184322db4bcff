// What crosses between a page and the worker about adapters: files in, what they are out, and how strongly a request applies them.

/** A gate as it is stored, or its hyperbolic tangent: LLaMA-Adapter's published weights were used with the first, its training code has the second. */
export type GateReading = "raw" | "tanh";

/** Adapter files: picked by the user, or at URLs; "owner/repository" of a hub stands for the adapter there. */
export interface AdapterRequest {
  readonly files: readonly (string | File)[];
  /** What requests call it; default: the name of the file or folder. */
  readonly id?: string | null;
  /** How the gates of a LLaMA-Adapter are read; null for how its publisher's own code does. */
  readonly gate?: GateReading | null;
  /** Access token for the adapter's host; null for the one that is kept for it, if any. */
  readonly token?: string | null;
  /** Base URL of the hub that "owner/repository" means; null for https://huggingface.co. */
  readonly hub?: string | null;
}

/** An adapter's files, looked at beside a model. */
export interface AdapterPreview {
  /** For people: "PEFT's LoRA, safetensors". */
  readonly format: string;
  /** lora, prompt: works beside the weights. tuning: changes them, and has to be merged. */
  readonly kind: "lora" | "prompt" | "tuning";
  /** Largest rank of a LoRA; null for others. */
  readonly rank: number | null;
  /** What it changes, in GGUF's terms: "attn_q". */
  readonly targets: readonly string[];
  /** Layers it is in. */
  readonly layers: number;
  /** Positions of a learned prompt; null for others. */
  readonly promptLength: number | null;
  /** How its gates are read; null where it has none. */
  readonly gate: GateReading | null;
  /** Memory it takes beside the model. */
  readonly sizeBytes: number;
}

/** An adapter that is loaded beside a model. */
export interface AdapterInfo extends AdapterPreview {
  /** What requests call it. */
  readonly id: string;
}

/** An adapter as a request applies it. */
export interface AdapterUse {
  readonly id: string;
  /** Strength; 1 is as it was trained, and the default. */
  readonly scale?: number | null;
}
