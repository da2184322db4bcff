// Weights on their way in: thread 0 puts rows into slots as they arrive, and whichever thread is free packs the next slot. Thread 0 packs
// only when no slot is free, so that reading goes on meanwhile; and in the end, with the others, what is left.
import { barrier, waitWhile } from "./barrier";
import { repack } from "./repack";
import {
  C_CLOSED, C_NAPPERS, C_NEWS, C_QUEUE, C_QUEUED, C_SLOT, C_SLOT_BYTES, C_SLOTS, CODE_PACK, OP_BYTES, OP_CODE, OP_COUNTER, OP_NEXT, SLOT_BYTES,
  SLOT_COLS, SLOT_DONE, SLOT_LAYOUT, SLOT_MODE, SLOT_ROWS, SLOT_TO, SLOTS,
} from "./words";

let napSpin: i32 = 12000;

@inline
function read(word: usize): i32 {
  return SHARED ? atomic.load<i32>(word) : load<i32>(word);
}

@inline
function slotOf(number: i32): usize {
  return C_SLOT + <usize>(number % SLOTS) * <usize>SLOT_BYTES;
}

/** Thread 0, before it calls the others to the op at C_QUEUE. */
export function openQueue(): void {
  memory.fill(C_SLOT, 0, SLOTS * SLOT_BYTES);
  store<i32>(C_QUEUE, CODE_PACK, OP_CODE);
  store<i32>(C_QUEUE, OP_BYTES, OP_NEXT);
  store<i32>(C_QUEUE, 0, OP_COUNTER);
  store<i32>(C_QUEUED, 0);
  store<i32>(C_CLOSED, 0);
}

/** Thread 0: address of the next slot, as soon as it is empty. */
export function freeSlot(): usize {
  const number = load<i32>(C_QUEUED);
  while (read(slotOf(number) + SLOT_DONE) != number / SLOTS) packNext();
  return load<usize>(C_SLOTS) + <usize>(number % SLOTS) * load<usize>(C_SLOT_BYTES);
}

/** Thread 0: the slot it asked for holds `rows` rows, a multiple of eight, which are to be packed to `to`. */
export function fillSlot(layout: i32, mode: i32, rows: i32, cols: i32, to: usize): void {
  const number = load<i32>(C_QUEUED), slot = slotOf(number);
  store<i32>(slot, layout, SLOT_LAYOUT);
  store<i32>(slot, mode, SLOT_MODE);
  store<i32>(slot, rows, SLOT_ROWS);
  store<i32>(slot, cols, SLOT_COLS);
  store<usize>(slot, to, SLOT_TO);
  if (SHARED) atomic.store<i32>(C_QUEUED, number + 1);
  else store<i32>(C_QUEUED, number + 1);
  tell();
}

/** Thread 0: packs what is left, with the others, and lets them go. */
export function closeQueue(): void {
  if (SHARED) atomic.store<i32>(C_CLOSED, 1);
  else store<i32>(C_CLOSED, 1);
  tell();
  packAll(C_QUEUE);
}

/** What a thread does until the queue is closed. */
export function packAll(op: usize): void {
  while (true) {
    const news = read(C_NEWS), closed = read(C_CLOSED);
    while (packNext()) {}
    if (closed) break;
    if (SHARED) napSpin = waitWhile(C_NEWS, news, napSpin, C_NAPPERS);
  }
  barrier(op);
}

function tell(): void {
  if (!SHARED) return;
  atomic.add<i32>(C_NEWS, 1);
  if (atomic.load<i32>(C_NAPPERS)) atomic.notify(C_NEWS);
}

/** Packs the next slot; false where there is none. */
function packNext(): bool {
  const number = takeNext();
  if (number < 0) return false;
  const slot = slotOf(number);
  const from = load<usize>(C_SLOTS) + <usize>(number % SLOTS) * load<usize>(C_SLOT_BYTES);
  repack(load<i32>(slot, SLOT_LAYOUT), load<i32>(slot, SLOT_MODE), from, load<i32>(slot, SLOT_ROWS), load<i32>(slot, SLOT_COLS), load<usize>(slot, SLOT_TO));
  if (SHARED) atomic.store<i32>(slot + SLOT_DONE, number / SLOTS + 1);
  else store<i32>(slot + SLOT_DONE, number / SLOTS + 1);
  return true;
}

/** The number of the next slot, now this thread's; -1 where all are taken. */
function takeNext(): i32 {
  const counter = C_QUEUE + OP_COUNTER;
  let next = read(counter);
  while (next < read(C_QUEUED)) {
    if (!SHARED) {
      store<i32>(counter, next + 1);
      return next;
    }
    const found = atomic.cmpxchg<i32>(counter, next, next + 1);
    if (found == next) return next;
    next = found;
  }
  return -1;
}
