// What a compute thread does: takes the banks, then serves until it is told to end. It never looks at a message again.
import { instantiate, type Kernels } from "./kernels.ts";

/** Where a thread hears from the engine: a worker's global scope, or Node's parent port. */
export interface ThreadPort {
  postMessage(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** The one message a thread gets. */
export interface ThreadStart {
  readonly thread: number;
  readonly module: WebAssembly.Module;
  readonly memories: readonly WebAssembly.Memory[];
}

/** Serves one model, then posts "ended". Posts "ready" before, or {error} where the instances could not be made. */
export function runThread(port: ThreadPort): void {
  port.onMessage((message) => {
    const { thread, module, memories } = message as ThreadStart; // the wire
    let banks: Kernels[];
    try {
      banks = memories.map((memory) => instantiate(module, memory, (bank) => banks[bank]!.execute(thread)));
    } catch (error) {
      port.postMessage({ error: String(error) });
      return;
    }
    port.postMessage("ready");
    banks[0]!.serve(thread);
    port.postMessage("ended");
  });
}
