// The benchmark's hold on an engine, wherever it runs: in the page, or in a process of its own.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import type { Answer, EngineName, Loaded, Prompt, Setup, Timed } from "./engines/engine.ts";
import { peakMemory } from "./memory.ts";
import type {} from "./page/main.ts";

/** An engine at arm's length, its calls timed on its own side. */
export interface Contestant {
  readonly name: EngineName;
  load(setup: Setup): Promise<Timed<Loaded>>;
  complete(prompt: Prompt, tokens: number): Promise<Timed<Answer>>;
  unload(): Promise<void>;
}

/** An engine of the benchmark's page. */
export function inPage(page: Page, name: EngineName): Contestant {
  return {
    name,
    load: (setup) => page.evaluate((name, setup) => window.bench.load(name, setup), name, setup),
    complete: (prompt, tokens) =>
      page.evaluate((name, prompt, tokens) => window.bench.complete(name, prompt, tokens), name, prompt, tokens),
    unload: () => page.evaluate((name) => window.bench.unload(name), name),
  };
}

/** What the process of native llama.cpp is asked, and by which number its answer is known. */
export type Order =
  | { readonly id: number; readonly load: Setup }
  | { readonly id: number; readonly complete: { readonly prompt: Prompt; readonly tokens: number } }
  | { readonly id: number; readonly tokenize: string }
  | { readonly id: number; readonly detokenize: readonly number[] }
  | { readonly id: number; readonly unload: true };

/** What it answers. */
export type Report = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

type Untold<T> = T extends unknown ? Omit<T, "id"> : never;

/** llama.cpp in a process of its own, so that its memory can be told from the benchmark's. Also the tokenizer of every prompt. */
export class NativeProcess implements Contestant {
  readonly name = "llama.cpp";
  private readonly child: ChildProcess;
  private lastId = 0;

  constructor() {
    this.child = fork(join(import.meta.dirname, "child.ts"), { execArgv: ["--import", "tsx"], serialization: "advanced" });
  }

  load(setup: Setup): Promise<Timed<Loaded>> {
    return this.ask({ load: setup });
  }

  complete(prompt: Prompt, tokens: number): Promise<Timed<Answer>> {
    return this.ask({ complete: { prompt, tokens } });
  }

  tokenize(text: string): Promise<number[]> {
    return this.ask({ tokenize: text });
  }

  detokenize(ids: readonly number[]): Promise<string> {
    return this.ask({ detokenize: ids });
  }

  async unload(): Promise<void> {
    await this.ask({ unload: true });
  }

  /** Resolves when the process listens. */
  async ready(): Promise<void> {
    await this.ask({ unload: true });
  }

  /** Bytes it has held at most; null where the system does not say. */
  peakBytes(): number | null {
    return peakMemory(this.child.pid!);
  }

  close(): void {
    this.child.kill();
  }

  private ask<T>(order: Untold<Order>): Promise<T> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.child.off("message", listen).off("exit", died);
      };
      const listen = (report: Report): void => {
        if (report.id !== id) return;
        leave();
        if ("error" in report) reject(new Error(`llama.cpp: ${report.error}`));
        else resolve(report.value as T);
      };
      const died = (code: number | null): void => {
        leave();
        reject(new Error(`The process of llama.cpp ended with ${code}`));
      };
      this.child.on("message", listen).on("exit", died);
      this.child.send({ id, ...order });
    });
  }
}
