// What adapters in use add to the program of a bank, as addresses in it.

/** A low-rank change of a weight. */
export interface PlacedChange {
  /** F32 as a matrix is packed: groups of eight rows, column by column. */
  readonly a: number;
  /** f32 [rows / UNIT][rank][UNIT]. */
  readonly b: number;
  readonly rank: number;
  readonly scale: number;
}

/** A prompt that a layer attends to. */
export interface PlacedPrompt {
  readonly length: number;
  readonly keys: number; // f32 [length][kvHeads · headDim]
  readonly values: number;
  readonly gates: number; // f32 [heads]
  readonly scale: number;
}

export interface Additions {
  /** The changes of a weight that something is multiplied with, by its name. */
  readonly changes: ReadonlyMap<string, readonly PlacedChange[]>;
  readonly prompts: ReadonlyMap<number, readonly PlacedPrompt[]>;
  /** Room for a · x of all changes of a layer, f32 [chunk][rank] each. */
  readonly inner: number;
}

export const NOTHING_ADDED: Additions = { changes: new Map(), prompts: new Map(), inner: 0 };
