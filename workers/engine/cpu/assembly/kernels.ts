// What the engine calls: the exports of a kernel file.
export { call, execute, serve } from "./run";
export { closeQueue, fillSlot, freeSlot, openQueue } from "./queue";
export { repack } from "./repack";
export { groupBytes } from "./tile";
export { multiplyBatch, multiplyVector, unpackedBytes, unpackRows } from "./multiply";
export { quantizeBlock } from "./activate";
export { dotAll, probe, readAll } from "./probe";
export { readRow } from "./unpack";
export { HALF_BITS, NIBBLES } from "./constants";
