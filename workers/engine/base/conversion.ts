// What crosses between a page and the worker that converts models: files of any publisher in, a stored GGUF model out. Plain data only.
import type { Access, PromptFormat, StoredModel } from "./wire.ts";

/**
 * Where a model's files come from: files the user picked, URLs of files, or "owner/repository" of a hub, which stands for all files of a
 * model there.
 */
export type CheckpointSource = string | File;

/** A model published in another form than GGUF, perhaps as its difference to another. */
export interface CheckpointRequest extends Partial<Access> {
  readonly files: readonly CheckpointSource[];
  /** Files of the model that `files` differ from, or the key of a stored one; null where they are a model by themselves. */
  readonly base: readonly CheckpointSource[] | null;
  /** How the difference is added, as an id of `recipes`, or "adapter" to merge an adapter; needed where there is a base. */
  readonly recipe: string | null;
  /** How strongly a LoRA is merged; 1 where it is left out. */
  readonly scale?: number;
  /** "alpaca-7b": also part of the file's name. */
  readonly name: string;
}

/** A conversion. The same one, asked for again, goes on where it was broken off. */
export interface ConversionRequest extends CheckpointRequest {
  /** "Q8_0", "Q4_K": an id of `targets`. */
  readonly target: string;
  /** How messages become a prompt, as an id of `promptFormats`; null leaves it to the model's template and name. */
  readonly promptFormat: string | null;
  /** Positions the model is said to be trained for; null for what its files say. */
  readonly contextLength: number | null;
}

/** A type to convert to. */
export interface ConversionTarget {
  readonly id: string;
  /** "Q4_K_M". */
  readonly name: string;
  /** Length of the converted file. */
  readonly sizeBytes: number;
}

/** What a model's files hold, before they are converted. */
export interface CheckpointPreview {
  /** "Meta's files, 2 shards". */
  readonly format: string;
  readonly parameters: number;
  readonly layers: number;
  readonly dim: number;
  readonly contextLength: number;
  /** Bytes of the files together. */
  readonly sizeBytes: number;
  readonly targets: readonly ConversionTarget[];
  readonly recipes: readonly { readonly id: string; readonly name: string }[];
  readonly promptFormats: readonly PromptFormat[];
  /** The prompt format that the name and the template speak for; "template" for the model's own. */
  readonly promptFormat: string;
}

/** Sum of a recovered model's weights beside the published one. */
export interface SumCheck {
  readonly sum: number;
  readonly published: number;
  readonly tolerance: number;
  readonly holds: boolean;
}

/** A conversion that came to its end. */
export interface Conversion {
  readonly model: StoredModel;
  /** Null where no sum was published for this difference. */
  readonly check: SumCheck | null;
}
