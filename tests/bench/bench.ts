// One run of the benchmark: every model in turn, all engines on it, then each engine alone for its memory.
import { availableParallelism } from "node:os";
import type { Page } from "puppeteer-core";
import { buildIfNeeded } from "../../web/cli/build.ts";
import { BenchBrowser } from "./browser.ts";
import { Contest, firstLine, type Rules } from "./contest.ts";
import { type Contestant, inPage, NativeProcess } from "./contestants.ts";
import { countPerToken } from "./counts.ts";
import type { BackendName, EngineName, Setup } from "./engines/engine.ts";
import { describeMachine, type Machine, waitingPrograms } from "./machine.ts";
import { largestProcess, peakMemory } from "./memory.ts";
import { type BenchModel, openModel } from "./models.ts";
import { Prompts } from "./prompts.ts";
import { type BenchRecord, digits } from "./records.ts";
import { serveBench } from "./server.ts";
import { tableOf } from "./table.ts";
import { enginesOf, LEFT_OUT, type Scope } from "./work.ts";

export interface BenchOptions {
  readonly backend: BackendName;
  readonly models: readonly string[];
  /** Null for all that the backend has. */
  readonly engines: readonly EngineName[] | null;
  readonly scope: Scope;
  readonly minutes: number;
  say(line: string): void;
  /** Takes all records there are, after each model: a run that is cut off keeps what it has. */
  save(records: readonly BenchRecord[]): void;
}

export interface Outcome {
  readonly machine: Machine;
  readonly records: readonly BenchRecord[];
}

/** Runs it all, saying how far it is and each model's table as it is done. */
export async function runBench(options: BenchOptions): Promise<Outcome> {
  const { backend, say } = options;
  if (options.engines?.includes("Cria") ?? true) buildIfNeeded();
  const models: BenchModel[] = [];
  for (const name of options.models) models.push(await openModel(name));
  const server = await serveBench((file) => models.find(({ name }) => `${name}.gguf` === file)?.path ?? null);
  const browser = new BenchBrowser(server.url);
  try {
    const page = await browser.page();
    const gpu = backend === "webgpu" ? await page.evaluate(() => window.bench.gpuDescription()) : null;
    const machine = describeMachine(await (await browser.running()).version(), gpu);
    if (waitingPrograms() > 0.5)
      say(`This machine is busy (load ${waitingPrograms().toFixed(1)}): take the figures as ratios at best.`);
    const rules: Rules = {
      backend,
      say,
      scope: options.scope,
      threads: availableParallelism(),
      software: backend === "webgpu" && (gpu === null || /swiftshader|llvmpipe/i.test(gpu)),
      deadline: performance.now() + options.minutes * 60_000,
    };
    const records: BenchRecord[] = [];
    for (const model of models) {
      if (performance.now() > rules.deadline) say(`Out of time: ${model.name} is left out.`);
      else records.push(...(await measureModel(model, options.engines, rules, browser)));
      options.save(records);
    }
    return { machine, records };
  } finally {
    await browser.close();
    await server.close();
  }
}

async function measureModel(
  model: BenchModel,
  engines: readonly EngineName[] | null,
  rules: Rules,
  browser: BenchBrowser,
): Promise<BenchRecord[]> {
  const { backend, say } = rules;
  const names = enginesOf(backend).filter((name) => engines === null || engines.includes(name));
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  say(`\n${model.title}, ${model.quant}: ${megabytes(model.sizeBytes)}, ${megabytes(model.bytesPerToken)} read for a token`);
  const native = new NativeProcess();
  try {
    await browser.quit();
    const page = await browser.page();
    const readMemory = (): Promise<number | null> =>
      backend === "wasm"
        ? page.evaluate((threads) => window.bench.wasmBandwidth(threads), rules.threads)
        : page.evaluate(() => window.bench.gpuBandwidth());
    const contextLength = rules.scope === "quick" || (rules.software && rules.scope !== "full") ? 1024 : 4608;
    const setupFor = (name: EngineName): Setup => ({
      model: name === "llama.cpp" ? model.path : `/models/${model.name}.gguf`,
      backend,
      contextLength,
      threads: rules.threads,
      shape: model.shape,
    });
    // Native llama.cpp tokenizes for all, whether it is measured or not.
    await native.load({ ...setupFor("llama.cpp"), contextLength: names.includes("llama.cpp") ? contextLength : 256 });
    const contest = new Contest(rules, model, await Prompts.open(native), native, readMemory);
    for (const name of names) await contest.enter(name === "llama.cpp" ? native : inPage(page, name), setupFor(name));
    await contest.run();
    for (const contestant of contest.models) {
      await attempt(rules, contestant, async () => {
        if (backend === "webgpu") await countCalls(contest, contestant, page);
      });
    }
    for (const contestant of contest.models) {
      await attempt(rules, contestant, () => measureMemory(contest, contestant, setupFor(contestant.name), browser, rules));
    }
    const { records } = contest;
    if (records.length === 0) return [];
    say(`\n${tableOf(records)}`);
    const cache = contextLength * model.cacheBytesPerPosition;
    const memory = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    say(
      `\nFor comparison with memory: weights ${memory(model.sizeBytes)}, a KV cache of ${contextLength} positions ${memory(cache)}.`,
    );
    const reading = records.find(({ work }) => work === "bandwidth");
    if (reading) say(`Reading alone, the page reaches ${digits(reading.median)} GB/s.`);
    if (backend === "webgpu") say(LEFT_OUT);
    return records;
  } finally {
    native.close();
  }
}

/** Measures something besides speed; where that fails, its row stays empty. */
async function attempt({ say }: Rules, { name }: Contestant, measure: () => Promise<void>): Promise<void> {
  try {
    await measure();
  } catch (error) {
    say(`  ${name} fails: ${firstLine(error)}`);
  }
}

/** What decoding a token asks of WebGPU, counted in the engine's workers. */
async function countCalls(contest: Contest, contestant: Contestant, page: Page): Promise<void> {
  const counts = await countPerToken(page, contestant, await contest.prompts.fresh(1));
  for (const [work, count] of counts) contest.record(contestant, work, "per token", [count]);
}

/** No engine reads a prompt for longer where only its memory is looked at. */
const READ_MS = 20_000;

/** The peak of the process that holds an engine and nothing else, less what it held before: load, prompt and some tokens. */
async function measureMemory(
  contest: Contest,
  contestant: Contestant,
  setup: Setup,
  browser: BenchBrowser,
  rules: Rules,
): Promise<void> {
  const prompt = await contest.prompts.fresh(contest.promptReadWithin(READ_MS, contestant));
  const held = async (alone: Contestant, peak: () => Promise<number | null> | number | null): Promise<void> => {
    const before = await peak();
    await alone.load(setup);
    await alone.complete(prompt, 8);
    const after = await peak();
    if (before !== null && after !== null) contest.record(contestant, "memory", "MiB", [(after - before) / 2 ** 20]);
  };
  if (contestant instanceof NativeProcess) {
    const fresh = new NativeProcess();
    await fresh.ready();
    await held(fresh, () => fresh.peakBytes());
    fresh.close();
    return;
  }
  await browser.quit();
  const page = await browser.page();
  const running = await browser.running();
  const peak = async (): Promise<number | null> => {
    const renderer = await largestProcess(running, "renderer");
    const gpu = rules.backend === "webgpu" ? await largestProcess(running, "GPU") : null;
    return renderer === null ? null : peakMemory(renderer)! + (gpu === null ? 0 : peakMemory(gpu)!);
  };
  await held(inPage(page, contestant.name), peak);
}
