// How fast WASM reads memory in this page: every thread sums its own stretch of one shared memory, 16 bytes at a time.

const THREAD_BYTES = 128 * 2 ** 20; // far more than any cache holds

/** Bytes per second of all threads together, `repetitions` times. */
export async function wasmBandwidth(threads: number, repetitions: number): Promise<number[]> {
  const pages = (threads * THREAD_BYTES) / 65536 + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const module = await WebAssembly.compileStreaming(fetch("/read.wasm"));
  new Uint8Array(memory.buffer).fill(1);
  const readers = Array.from({ length: threads }, (_, thread) => {
    const worker = new Worker(new URL("./reader.ts", import.meta.url), { type: "module" });
    worker.postMessage({ module, memory, at: 65536 + thread * THREAD_BYTES, bytes: THREAD_BYTES });
    return worker;
  });
  const read = (): Promise<unknown> =>
    Promise.all(
      readers.map((worker) => {
        const done = new Promise((resolve) => (worker.onmessage = resolve));
        worker.postMessage("read");
        return done;
      }),
    );
  await read(); // starts the workers, and compiles
  const speeds: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const start = performance.now();
    await read();
    speeds.push((threads * THREAD_BYTES * READS * 1000) / (performance.now() - start));
  }
  for (const worker of readers) worker.terminate();
  return speeds;
}

/** Times a worker reads its stretch for one message: enough that the message does not count. */
export const READS = 4;
