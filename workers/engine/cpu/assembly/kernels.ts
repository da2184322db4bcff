// What the engine calls: the exports of a kernel file.
export { call, execute, serve } from "./run";
export { closeQueue, fillSlot, freeSlot, openQueue } from "./queue";
export { repack } from "./repack";
export { groupBytes } from "./tile";
export { multiplyBatch, multiplyVector, unpackedBytes, unpackRows } from "./multiply";
export { quantizeBlock } from "./activate";
// Called by none but attention: runs.ts says why.
export { touch, widenAll } from "./runs";
export { scoreFour, scoreFourWide, scoreOne, scoreOneWide, scoreThree, scoreTwo } from "./runs";
export { weighFour, weighFourWide, weighOne, weighOneWide, weighThree, weighTwo } from "./runs";
export { dotAll, probe, readAll } from "./probe";
export { readRow } from "./unpack";
export { CACHE_LOWER, CACHE_UPPER, HALF_BITS, NIBBLES } from "./constants";
