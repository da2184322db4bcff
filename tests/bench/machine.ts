// The machine a benchmark ran on, for the head of its table.
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** What is known of where it ran. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly browser: string;
  readonly gpu: string | null;
  readonly platform: string;
}

/** This machine, with the browser and adapter that the caller found. */
export function describeMachine(browser: string, gpu: string | null): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    browser,
    gpu,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** How many programs wait for a core besides this one; timings are not to be trusted where it is far from 0. */
export function waitingPrograms(): number {
  return loadavg()[0]!;
}
