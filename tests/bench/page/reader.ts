// One thread of the bandwidth measurement.
import { READS } from "./wasm-bandwidth.ts";

interface Job {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly at: number;
  readonly bytes: number;
}

let read: (() => void) | null = null;

self.onmessage = ({ data }: MessageEvent<Job | "read">) => {
  if (data === "read") {
    read!();
    self.postMessage("done");
    return;
  }
  const { exports } = new WebAssembly.Instance(data.module, { env: { memory: data.memory } });
  const sum = exports["sum"] as (at: number, bytes: number) => number;
  read = () => {
    for (let count = 0; count < READS; count++) sum(data.at, data.bytes);
  };
};
