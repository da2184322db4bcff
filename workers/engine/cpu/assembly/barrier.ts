// How threads share work: tasks taken from a counter, a barrier after each op, sleep between runs.
// A spin is bounded and adapts: it grows while it pays and shrinks where it runs out most of the time. At its longest it is a few
// hundredths of the time slice that a busy neighbour takes, so it starves nobody; at its shortest it still outlasts a task.
import { C_ACTIVE, C_ARRIVED, C_GENERATION, C_GO, C_SLEEPERS, OP_COUNTER } from "./words";

const SPIN_LEAST: i32 = 12000;
const SPIN_MOST: i32 = 60000;
let barrierSpin: i32 = SPIN_MOST;
let idleSpin: i32 = SPIN_MOST;

/** The next task of an op: 0, 1, 2, … over all threads. */
@inline
export function nextTask(op: usize): i32 {
  if (SHARED) return atomic.add<i32>(op + OP_COUNTER, 1);
  const task = load<i32>(op + OP_COUNTER);
  store<i32>(op + OP_COUNTER, task + 1);
  return task;
}

/** Waits until every active thread is here. What was written before it is seen after it. The op can be run again. */
export function barrier(op: usize): void {
  const active = load<i32>(C_ACTIVE);
  if (!SHARED || active == 1) {
    store<i32>(op + OP_COUNTER, 0);
    return;
  }
  const generation = atomic.load<i32>(C_GENERATION);
  if (atomic.add<i32>(C_ARRIVED, 1) == active - 1) {
    atomic.store<i32>(C_ARRIVED, 0);
    atomic.store<i32>(op + OP_COUNTER, 0);
    atomic.store<i32>(C_GENERATION, generation + 1);
    if (atomic.load<i32>(C_SLEEPERS)) atomic.notify(C_GENERATION);
    return;
  }
  barrierSpin = waitWhile(C_GENERATION, generation, barrierSpin, C_SLEEPERS);
}

/** Waits until a word is no longer `old`; counts itself in `sleepers` while asleep. Gives the spins to allow next time. */
export function waitWhile(word: usize, old: i32, spins: i32, sleepers: usize): i32 {
  if (look(word, old, spins, sleepers)) return min(SPIN_MOST, spins + (spins >> 1));
  atomic.sub<i32>(sleepers, 1);
  while (atomic.load<i32>(word) == old) {
    if (!look(word, old, 1, sleepers)) atomic.sub<i32>(sleepers, 1);
  }
  return max(SPIN_LEAST, spins - (spins >> 2));
}

/**
 * Looks so many times: true as soon as the word has changed. Else sleeps once, counted in `sleepers`, and is false.
 * Nothing may follow the wait in this function: V8 11's first compiler loses local variables over it (Node 20 hangs).
 */
function look(word: usize, old: i32, times: i32, sleepers: usize): bool {
  for (let i = 0; i < times; i++) {
    if (atomic.load<i32>(word) != old) return true;
  }
  atomic.add<i32>(sleepers, 1);
  atomic.wait<i32>(word, old, -1);
  return false;
}

@inline
function goWord(thread: i32): usize {
  return C_GO + (<usize>thread << 6);
}

/** Calls threads 1 to active - 1 to work. Only thread 0 does. */
export function callThreads(): void {
  const active = load<i32>(C_ACTIVE);
  for (let thread = 1; thread < active; thread++) {
    const word = goWord(thread);
    atomic.add<i32>(word, 1);
    if (atomic.load<i32>(word, 4)) atomic.notify(word, 1);
  }
}

/** Sleeps until called; `seen` is the number of the last call. Gives the number of this one. */
export function waitForCall(thread: i32, seen: i32): i32 {
  if (!SHARED) return seen;
  const word = goWord(thread);
  idleSpin = waitWhile(word, seen, idleSpin, word + 4);
  return atomic.load<i32>(word);
}
