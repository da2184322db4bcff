// A compute thread in Node: lets tsx read TypeScript in this thread too, then runs cpu/thread.ts.
import { register } from "tsx/esm/api";
import { parentPort } from "node:worker_threads";

register();
const { runThread } = await import("../../workers/engine/cpu/thread.ts");

runThread({
  postMessage: (message) => parentPort.postMessage(message),
  onMessage: (listener) => parentPort.on("message", listener),
});
