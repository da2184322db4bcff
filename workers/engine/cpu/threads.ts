// The compute threads of a model: started once, asleep between tokens.
import type { Host, Thread } from "../base/host.ts";
import type { ThreadStart } from "./thread.ts";

/** A thread that has not answered by then is left out. */
const START_MS = 10_000;
/** A thread that has not ended by then is ended. */
const END_MS = 2000;

/** Threads beside the engine's own, which is number 0. */
export class Threads {
  private constructor(private readonly running: readonly Thread[]) {}

  /** Starts up to `count`; fewer where the host refuses. They are numbered from 1 without gaps. */
  static async start(
    host: Host,
    count: number,
    module: WebAssembly.Module,
    memories: readonly WebAssembly.Memory[],
  ): Promise<Threads> {
    const running: Thread[] = [];
    const starting = Array.from({ length: count }, (_, i) => startOne(host, { thread: i + 1, module, memories }));
    // A gap would leave a number nobody answers to: what comes after it is not used.
    for (const [i, started] of (await Promise.all(starting)).entries()) {
      if (started && running.length === i) running.push(started);
      else started?.terminate();
    }
    return new Threads(running);
  }

  get count(): number {
    return this.running.length;
  }

  /** Ends the threads, which have been called to their end: each is given the time to say that it has woken. */
  dispose(): void {
    for (const thread of this.running) {
      const timer = setTimeout(() => thread.terminate(), END_MS);
      thread.onMessage(() => {
        clearTimeout(timer);
        thread.terminate();
      });
    }
  }
}

async function startOne(host: Host, start: ThreadStart): Promise<Thread | null> {
  let thread: Thread;
  try {
    thread = host.startThread();
  } catch {
    return null; // not allowed here: the engine does with fewer
  }
  const answer = await new Promise<unknown>((resolve) => {
    const timer = setTimeout(() => resolve("late"), START_MS);
    thread.onMessage((message) => {
      clearTimeout(timer);
      resolve(message);
    });
    thread.postMessage(start);
  });
  if (answer === "ready") return thread;
  thread.terminate();
  return null;
}
