// The jobs of the kernel page: checks and measurements that need a browser's instructions.
import { createWebHost } from "./web-host.ts";
import { checkLevels } from "./check-levels.ts";
import { checkModel } from "./check-model.ts";
import { timeKernels } from "./time-kernels.ts";
import { timeModel } from "./time-model.ts";

const JOBS: Record<string, (host: ReturnType<typeof createWebHost>, argument: never) => Promise<unknown>> = {
  checkLevels,
  checkModel,
  timeKernels,
  timeModel,
};

self.onmessage = async ({ data: { name, argument } }: MessageEvent<{ name: string; argument: never }>) => {
  try {
    self.postMessage({ result: await JOBS[name]!(createWebHost(), argument) });
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error) });
  }
};
