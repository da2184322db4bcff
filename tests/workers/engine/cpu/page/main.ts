// Runs a job in a worker, where the engine lives too: window.job(name, argument) resolves with what it gives.
import { serveThreads } from "../../../../../workers/threads.ts";

declare global {
  var job: (name: string, argument?: unknown) => Promise<unknown>;
}

globalThis.job = async (name, argument) => {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const endThreads = serveThreads(worker);
  const answer = await new Promise<{ result?: unknown; error?: string }>((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve({ error: message });
    worker.postMessage({ name, argument });
  });
  worker.terminate();
  endThreads();
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.result;
};
