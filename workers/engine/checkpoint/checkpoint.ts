// A published model before it is converted, whatever it was published as: tensors in GGUF's names and order, its numbers, its vocabulary.
import type { FloatType } from "./formats/stored.ts";

/** A tensor under its GGUF name, rows in GGUF's order. */
export interface CheckpointTensor {
  /** "blk.0.attn_q.weight". */
  readonly name: string;
  /** As it was published: what a reader gives has no more precision than this. */
  readonly type: FloatType;
  /** Outputs of a linear map, vocabulary of an embedding; 1 for a vector. */
  readonly rows: number;
  readonly cols: number;
  /** Experts whose matrices these are, one below the other; left out where it is one matrix. */
  readonly experts?: number;
  /** Rows [first, first + count) as floats [count, cols]. Throws what the file throws. */
  read(first: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

/** How positions beyond the trained ones are rotated. */
export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "yarn";
      readonly factor: number;
      readonly trainedLength: number;
      /** Factor on the sharpening of attention that YaRN derives from `factor`. */
      readonly attention: number;
    }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFrequency: number;
      readonly highFrequency: number;
      readonly trainedLength: number;
    };

/** The numbers of a model. */
export interface CheckpointConfig {
  readonly layers: number;
  readonly dim: number;
  readonly ffnDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Positions the model was trained for. */
  readonly contextLength: number;
  /** Epsilon of RMSNorm. */
  readonly epsilon: number;
  /** Base of the rotation's frequencies. */
  readonly theta: number;
  readonly scaling: RopeScaling | null;
  /** Positions a token looks back at; null for all. */
  readonly slidingWindow: number | null;
  /** Experts of a layer, and how many of them a token takes; null for one network for all. */
  readonly experts: { readonly count: number; readonly used: number } | null;
}

/** Kinds of tokens, by GGUF's numbers. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** A vocabulary in the terms of a GGUF file. A token's place is its id. */
export interface CheckpointVocabulary {
  /** SentencePiece's BPE, or GPT-2's byte-level one. */
  readonly model: "llama" | "gpt2";
  /** tokenizer.ggml.pre: how text is cut before merging. */
  readonly pre: string;
  readonly tokens: readonly string[];
  /** Of SentencePiece. */
  readonly scores: readonly number[] | null;
  /** Of TOKEN_TYPE. */
  readonly types: readonly number[];
  /** "left right", of byte-level BPE. */
  readonly merges: readonly string[] | null;
  readonly bos: number | null;
  readonly eos: number | null;
  readonly unknown: number | null;
  readonly pad: number | null;
  readonly addBos: boolean | null;
  readonly addSpacePrefix: boolean | null;
}

/** A model as it was published. */
export interface Checkpoint {
  /** For people: "alpaca-7b". */
  readonly name: string;
  /** For people: "Meta's files, 2 shards". */
  readonly format: string;
  readonly config: CheckpointConfig;
  /** Every tensor of the model, the embedding first, then layer by layer. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Null where none of the files has one. */
  readonly vocabulary: CheckpointVocabulary | null;
  /** The chat template that came with it; null where none did. */
  readonly template: string | null;
}
