// What a file's header says of its model, in words and numbers for people.
import type { Shape } from "./model.ts";

/** Everything a model's page shows. */
export interface ModelDetails {
  readonly name: string;
  /** general.architecture. */
  readonly architecture: string;
  readonly shape: Shape;
  readonly parameters: number;
  readonly sizeBytes: number;
  /** How messages become a prompt. */
  readonly template: string;
  /** "gpt2", "llama": how text becomes tokens. */
  readonly tokenizer: string;
  /** As its makers call it; null where they don't. */
  readonly licence: string | null;
  /** Tensor types, the heaviest first. */
  readonly types: readonly { readonly type: string; readonly tensors: number; readonly sizeBytes: number }[];
  readonly tensors: readonly { readonly name: string; readonly type: string; readonly rows: number; readonly cols: number }[];
  /** Keys of the header and their values, long ones cut. */
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
}
