// How each tensor type rests in GPU memory: planes of 4, 5, 6 or 8 bits or floats, and a plane of scales. One line a type.
import bits4 from "./quant/bits4.wgsl?raw";
import bits5 from "./quant/bits5.wgsl?raw";
import bits6 from "./quant/bits6.wgsl?raw";
import bits8 from "./quant/bits8.wgsl?raw";
import brain16 from "./quant/brain16.wgsl?raw";
import half16 from "./quant/half16.wgsl?raw";
import scaleHalf from "./quant/scale_half.wgsl?raw";
import scaleNone from "./quant/scale_none.wgsl?raw";
import scalePair from "./quant/scale_pair.wgsl?raw";
import scaleRuns from "./quant/scale_runs.wgsl?raw";
import scaleSuper from "./quant/scale_super.wgsl?raw";
import single32 from "./quant/single32.wgsl?raw";
import fifth from "./repack/fifth.wgsl?raw";
import floats from "./repack/floats.wgsl?raw";
import k from "./repack/k.wgsl?raw";
import q40 from "./repack/q4_0.wgsl?raw";
import q41 from "./repack/q4_1.wgsl?raw";
import q4k from "./repack/q4_k.wgsl?raw";
import q50 from "./repack/q5_0.wgsl?raw";
import q51 from "./repack/q5_1.wgsl?raw";
import q5k from "./repack/q5_k.wgsl?raw";
import q6k from "./repack/q6_k.wgsl?raw";
import q80 from "./repack/q8_0.wgsl?raw";

/** A resting form of weights on the GPU. Blocks are of 32 weights everywhere. */
export interface Layout {
  /** WGSL that reads it: ready, dots, levels, weigh, scale_of. */
  readonly read: readonly string[];
  /** WGSL of repack(): from the GGUF bytes to the planes. */
  readonly repack: readonly string[];
  /** Words of a block in the main plane. */
  readonly words: number;
  /** Words of a block in the plane of upper bits behind it. */
  readonly upperWords: number;
  /** Words of a block in the plane of scales. */
  readonly scaleWords: number;
  /** Blocks one thread repacks. */
  readonly unit: number;
  /** Overrides of `read` and `repack`. */
  readonly constants: Readonly<Record<string, number>>;
}

const floatBlock = { upperWords: 0, scaleWords: 0, unit: 1 };

export const LAYOUTS = {
  Q4_0: { read: [bits4, scaleHalf], repack: [q40], words: 4, upperWords: 0, scaleWords: 0.5, unit: 2, constants: { ZERO: 8 } },
  Q4_1: { read: [bits4, scalePair], repack: [q41], words: 4, upperWords: 0, scaleWords: 1, unit: 1, constants: {} },
  Q4_K: { read: [bits4, scaleSuper], repack: [q4k, k], words: 4, upperWords: 0, scaleWords: 0.625, unit: 8, constants: {} },
  Q5_0: {
    read: [bits5, scaleHalf],
    repack: [q50, fifth],
    words: 4,
    upperWords: 1,
    scaleWords: 0.5,
    unit: 2,
    constants: { ZERO: 16 },
  },
  Q5_1: { read: [bits5, scalePair], repack: [q51, fifth], words: 4, upperWords: 1, scaleWords: 1, unit: 1, constants: {} },
  Q5_K: { read: [bits5, scaleSuper], repack: [q5k, k], words: 4, upperWords: 1, scaleWords: 0.625, unit: 8, constants: {} },
  Q6_K: { read: [bits6, scaleRuns], repack: [q6k], words: 4, upperWords: 2, scaleWords: 0.625, unit: 8, constants: {} },
  Q8_0: { read: [bits8, scaleHalf], repack: [q80], words: 8, upperWords: 0, scaleWords: 0.5, unit: 2, constants: { ZERO: 0 } },
  F16: { read: [half16, scaleNone], repack: [floats], words: 16, ...floatBlock, constants: { WEIGHT_BYTES: 2 } },
  BF16: { read: [brain16, scaleNone], repack: [floats], words: 16, ...floatBlock, constants: { WEIGHT_BYTES: 2 } },
  F32: { read: [single32, scaleNone], repack: [floats], words: 32, ...floatBlock, constants: { WEIGHT_BYTES: 4 } },
} as const satisfies Record<string, Layout>;

export type LayoutName = keyof typeof LAYOUTS;
