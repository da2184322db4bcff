// Compute threads of the engine's worker, started by its page. Firefox may never return from starting a worker in a worker: that waits for the
// new one to be registered, the new one waits for work, and the one signal for both can wake the wrong one.
//
//   the engine's worker -> its page   ThreadCall, with a port for the thread
//   its page -> the thread            the port; what is said over it is theirs
import type { Thread } from "./engine/base/host.ts";
import threadProgram from "./cpu-thread.worker.ts?worker&url";
import { isElsewhere, startFromElsewhere } from "./program.ts";

/** A worker wants a thread to start, or to end. The number is the worker's own. */
interface ThreadCall {
  readonly type: "start thread" | "end thread";
  readonly thread: number;
}

let lastThread = 0;

/** A new thread, in a worker whose page has called `serveThreads`. */
export function startThread(): Thread {
  const thread = ++lastThread;
  const { port1, port2 } = new MessageChannel();
  const call = (type: ThreadCall["type"], ports: MessagePort[]): void =>
    self.postMessage({ type, thread } satisfies ThreadCall, { transfer: ports });
  call("start thread", [port2]);
  return {
    postMessage: (message) => port1.postMessage(message),
    onMessage: (listener) => {
      port1.addEventListener("message", ({ data }) => listener(data));
      port1.start();
    },
    terminate: () => {
      port1.close();
      call("end thread", []);
    },
  };
}

/** Starts and ends the threads that a worker asks its page for; listeners after this one do not hear of them. Call the result when that worker has ended. */
export function serveThreads(worker: Worker): () => void {
  const threads = new Map<number, Worker>();
  worker.addEventListener("message", (event: MessageEvent<unknown>) => {
    const { data, ports } = event;
    if (!isThreadCall(data)) return;
    event.stopImmediatePropagation();
    threads.get(data.thread)?.terminate();
    threads.delete(data.thread);
    if (data.type === "end thread") return;
    const thread = isElsewhere(threadProgram)
      ? startFromElsewhere(threadProgram, "cria-thread")
      : new Worker(new URL("./cpu-thread.worker.ts", import.meta.url), { type: "module", name: "cria-thread" });
    threads.set(data.thread, thread);
    thread.postMessage(null, [...ports]);
  });
  return () => {
    for (const thread of threads.values()) thread.terminate();
    threads.clear();
  };
}

function isThreadCall(data: unknown): data is ThreadCall {
  const { type, thread } = Object(data);
  return (type === "start thread" || type === "end thread") && typeof thread === "number";
}
