// Every GPU kernel, one line each. Those of linear maps and experts still need a layout (layouts.ts) and an ending (ADDENDS and FINISHES).
import addendNone from "./addend_none.wgsl?raw";
import addendRows from "./addend_rows.wgsl?raw";
import addendUniform from "./addend_uniform.wgsl?raw";
import attend from "./attend.wgsl?raw";
import best from "./best.wgsl?raw";
import cacheF16 from "./cache_f16.wgsl?raw";
import cacheInt8 from "./cache_int8.wgsl?raw";
import codesNone from "./codes_none.wgsl?raw";
import codesQuad from "./codes_quad.wgsl?raw";
import cuts from "./cuts.wgsl?raw";
import draw from "./draw.wgsl?raw";
import embed from "./embed.wgsl?raw";
import expertsFew from "./experts_few.wgsl?raw";
import expertsOne from "./experts_one.wgsl?raw";
import expand from "./expand.wgsl?raw";
import flash from "./flash.wgsl?raw";
import finishAdd from "./finish_add.wgsl?raw";
import finishMultiply from "./finish_multiply.wgsl?raw";
import finishQkv from "./finish_qkv.wgsl?raw";
import finishResidual from "./finish_residual.wgsl?raw";
import finishSilu from "./finish_silu.wgsl?raw";
import finishStore from "./finish_store.wgsl?raw";
import gather from "./gather.wgsl?raw";
import greedy from "./greedy.wgsl?raw";
import integers from "./integers.wgsl?raw";
import keep from "./keep.wgsl?raw";
import matfew from "./matfew.wgsl?raw";
import matmul from "./matmul.wgsl?raw";
import matvec from "./matvec.wgsl?raw";
import merge from "./merge.wgsl?raw";
import mix from "./mix.wgsl?raw";
import norm from "./norm.wgsl?raw";
import pick from "./pick.wgsl?raw";
import productsFloat from "./products_float.wgsl?raw";
import productsInt8 from "./products_int8.wgsl?raw";
import prompt from "./prompt.wgsl?raw";
import quantize from "./quantize.wgsl?raw";
import random from "./random.wgsl?raw";
import reduceShared from "./reduce_shared.wgsl?raw";
import reduceSubgroup from "./reduce_subgroup.wgsl?raw";
import repack from "./repack/repack.wgsl?raw";
import route from "./route.wgsl?raw";
import shareNone from "./share_none.wgsl?raw";
import shareQuad from "./share_quad.wgsl?raw";
import shrink from "./shrink.wgsl?raw";
import splits from "./splits.wgsl?raw";
import state from "./state.wgsl?raw";
import storeF16 from "./store_f16.wgsl?raw";
import storeRows from "./store_rows.wgsl?raw";
import tileF16 from "./tile_f16.wgsl?raw";
import tileF32 from "./tile_f32.wgsl?raw";
import tileFloat from "./tile_float.wgsl?raw";
import tileInt8 from "./tile_int8.wgsl?raw";
import { kernel } from "./kernel.ts";

export const KERNELS = {
  repack: kernel("repack", repack),
  embed: kernel("embed", state, embed),
  matvec: kernel("matvec", state, matvec),
  matfew: kernel("matfew", state, matfew),
  quantize: kernel("quantize", state, quantize),
  matmul: kernel("matmul", state, matmul),
  norm: kernel("norm", state, norm),
  shrink: kernel("shrink", state, shrink),
  expand: kernel("expand", state, expand),
  prompt: kernel("prompt", state, prompt),
  route: kernel("route", state, route),
  gather: kernel("gather", state, gather),
  experts_one: kernel("experts_one", state, expertsOne),
  experts_few: kernel("experts_few", state, expertsFew),
  mix: kernel("mix", state, mix),
  flash_f16: kernel("flash_f16", state, flash, cacheF16),
  flash_int8: kernel("flash_int8", state, flash, cacheInt8),
  attend_f16: kernel("attend_f16", state, splits, attend, cacheF16),
  attend_int8: kernel("attend_int8", state, splits, attend, cacheInt8),
  keep: kernel("keep", state, keep, cacheInt8),
  merge: kernel("merge", state, splits, merge),
  greedy: kernel("greedy", state, best, greedy, pick),
  draw: kernel("draw", state, random, best, draw, cuts, pick),
};

export const FINISHES = {
  store: [finishStore],
  add: [finishAdd],
  residual: [finishResidual],
  silu: [finishSilu],
  multiply: [finishMultiply],
  qkv: [finishQkv, storeF16],
  qkv_rows: [finishQkv, storeRows],
};

/** What a linear map adds to its products before they end: nothing, a buffer, or a uniform where no storage buffer can be bound. */
export const ADDENDS = { none: addendNone, rows: addendRows, uniform: addendUniform };

/** How matvec adds up over threads: in shared memory, or by shuffles (T2). */
export const REDUCES = { shared: reduceShared, subgroup: reduceSubgroup };

/** How matvec and matfew multiply activations in floats: read by each thread for itself, or by four together (T2). */
export const FLOAT_PRODUCTS = { none: [productsFloat, shareNone], quad: [productsFloat, shareQuad] };

/** The same in 8-bit integers (T3). */
export const INT8_PRODUCTS = { none: [productsInt8, integers, codesNone], quad: [productsInt8, integers, codesQuad] };

/** What matmul's tiles hold: f32, f16 (T1), or 8-bit integers (T3). */
export const TILES = { f32: [tileFloat, tileF32], f16: [tileFloat, tileF16], int8: [tileInt8, integers] };

export type KernelName = keyof typeof KERNELS;
export type AddendName = keyof typeof ADDENDS;
export type FinishName = keyof typeof FINISHES;
/** Precision of tiles in floats. */
export type TileName = "f32" | "f16";
