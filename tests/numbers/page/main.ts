// Measures in a worker, where the engine lives too: window.measure(job) resolves with what it finds.
import { serveThreads } from "../../../workers/threads.ts";
import type { Answer, Job } from "./job.ts";

declare global {
  var measure: (job: Job) => Promise<Answer>;
}

globalThis.measure = (job) => {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const endThreads = serveThreads(worker);
  return new Promise<Answer>((resolve) => {
    const finish = (answer: Answer): void => {
      worker.terminate();
      endThreads();
      resolve(answer);
    };
    worker.onmessage = ({ data }: MessageEvent<Answer>) => finish(data);
    worker.onerror = ({ message }) => finish({ error: message });
    worker.postMessage(job);
  });
};
