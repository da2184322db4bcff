// How fast WASM reads memory in this page: every thread sums its own stretch of one shared memory, 16 bytes at a time.

const THREAD_BYTES = 128 * 2 ** 20; // far more than any cache holds

/** Times a thread reads its stretch for one message: enough that the message does not count. */
export const READS = 4;

let readers: readonly Worker[] | null = null;

/** Bytes per second of all threads together. */
export async function wasmBandwidth(threads: number): Promise<number> {
  if (readers === null) {
    readers = await startReaders(threads);
    await readAll(readers); // starts the threads, and compiles
  }
  const start = performance.now();
  await readAll(readers);
  return (threads * THREAD_BYTES * READS * 1000) / (performance.now() - start);
}

async function startReaders(threads: number): Promise<Worker[]> {
  const pages = (threads * THREAD_BYTES) / 65536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Uint8Array(memory.buffer).fill(1); // pages never written to are all one and the same
  const module = await WebAssembly.compileStreaming(fetch("/read.wasm"));
  return Array.from({ length: threads }, (_, thread) => {
    const worker = new Worker(new URL("./reader.ts", import.meta.url), { type: "module" });
    worker.postMessage({ module, memory, at: thread * THREAD_BYTES, bytes: THREAD_BYTES });
    return worker;
  });
}

function readAll(readers: readonly Worker[]): Promise<unknown> {
  const read = (worker: Worker): Promise<unknown> => {
    const done = new Promise((resolve) => (worker.onmessage = resolve));
    worker.postMessage("read");
    return done;
  };
  return Promise.all(readers.map(read));
}
