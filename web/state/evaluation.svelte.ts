// Evaluations: what is asked of the loaded model, how far it is, what came of it. They go on while the panel is closed, and after a reload.
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import { adapted } from "../../workers/engine/evaluate/adapted.ts";
import { compare, type Comparison } from "../../workers/engine/evaluate/compare.ts";
import { countResults, evaluate, type EvaluateOptions } from "../../workers/engine/evaluate/evaluate.ts";
import type { Reference } from "../../workers/engine/evaluate/perplexity.ts";
import { readTask } from "../../workers/engine/evaluate/read.ts";
import { toCsv, toJson } from "../../workers/engine/evaluate/report.ts";
import type { Result } from "../../workers/engine/evaluate/result.ts";
import { summarize, type Summary } from "../../workers/engine/evaluate/summary.ts";
import type { Normalization, QuestionTask, Task } from "../../workers/engine/evaluate/task.ts";
import {
  createRun,
  keepDistributions,
  keepResults,
  listRuns,
  readDistributions,
  readFiles,
  readResults,
  removeRun,
  type AppliedAdapter,
  type Run,
  type RunFiles,
  type TaskFile,
} from "../lib/evaluations.ts";
import { saveFile } from "../lib/files.ts";
import type { Adapters } from "./adapters.svelte.ts";
import type { Model } from "./model.svelte.ts";

/** What the person asks for. */
export interface Wishes {
  readonly normalization: Normalization;
  readonly shots: number;
  readonly limit: number | null;
  readonly window: number;
  /** Keep the distributions over a text, so that another model can be compared with this one. */
  readonly keeps: boolean;
  readonly against: string | null;
}

/** Results are written at least so often; a crash costs no more than that. */
const KEEP_EVERY_MS = 1000;
/** And shown at most so often. */
const SHOW_EVERY_MS = 120;

export class Evaluation {
  runs = $state.raw<readonly Run[]>([]);
  /** The run that is shown; null while one is set up. */
  run = $state.raw<Run | null>(null);
  results = $state.raw<readonly Result[]>([]);
  /** Id of the run that is being asked at this moment. */
  running = $state<string | null>(null);
  /** Milliseconds a result took lately. */
  pace = $state(0);
  error = $state.raw<ErrorRecord | null>(null);
  /** Results of the run that the shown one stands beside. */
  other = $state.raw<{ readonly run: Run; readonly results: readonly Result[] } | null>(null);
  readonly summary: Summary | null = $derived(
    this.run && this.results.length > 0 ? summarize(this.results, this.run.settings.normalization) : null,
  );
  readonly comparison: Comparison | null = $derived(
    this.run && this.other ? compare(this.other.results, this.results, this.run.settings.normalization) : null,
  );
  /** Runs of the same questions that the shown one may stand beside. */
  readonly comparable = $derived(this.runs.filter((run) => run.id !== this.run?.id && run.done > 0 && this.#isSameTask(run)));
  #controller: AbortController | null = null;

  constructor(
    private readonly model: Model,
    private readonly adapters: Pick<Adapters, "applied"> | null = null,
  ) {}

  async refresh(): Promise<void> {
    this.runs = await listRuns();
  }

  /** The task in a file. Throws `bad_request`. */
  read(file: TaskFile): Task {
    return readTask(file.name, file.content);
  }

  /** Begins a run on the loaded model. What goes wrong stands in `error`. */
  async start(files: RunFiles, wishes: Wishes): Promise<void> {
    const { cria, choice, info } = this.model;
    if (!cria || !info || this.running) return;
    this.error = null;
    try {
      const task = this.read(files.task);
      const options = { ...wishes, examples: this.#examples(files) };
      const adapters = (await this.adapters?.applied(cria)) ?? [];
      const run: Run = {
        id: crypto.randomUUID(),
        createdAt: Date.now(),
        done: 0,
        modelId: typeof choice === "string" ? choice : info.id,
        against: wishes.against,
        keeps: wishes.keeps && task.kind === "text",
        task: {
          name: task.name,
          format: task.kind === "text" ? "text" : task.format.title,
          questions: await countResults(cria, task, options),
        },
        adapters,
        model: { name: nameWith(info.name, adapters), quantization: info.quantization, backend: info.backend, tier: info.tier },
        settings: { normalization: wishes.normalization, shots: wishes.shots, window: wishes.window, limit: wishes.limit },
      };
      await createRun(run, files);
      await this.show(run);
      if (run.against) await this.beside(run.against);
      await this.#ask(run, files, []);
    } catch (error) {
      this.error = EngineError.record(error);
    }
  }

  /** Shows a run and what is known of it. */
  async show(run: Run): Promise<void> {
    this.error = null;
    this.other = null;
    this.run = run;
    this.results = await readResults(run);
    await this.refresh();
  }

  /** Back to setting up. What runs goes on. */
  leave(): void {
    this.run = null;
    this.results = [];
    this.other = null;
    this.error = null;
  }

  /** Whether the shown run can go on: it is not done, and the model it asks is loaded. */
  get canResume(): boolean {
    const { run } = this;
    const { info } = this.model;
    if (!run || !info || this.running || this.results.length >= run.task.questions) return false;
    const { name } = run.model;
    return (
      nameWith(info.name, run.adapters) === name &&
      info.quantization === run.model.quantization &&
      info.backend === run.model.backend
    );
  }

  /** Goes on where the shown run was stopped, by the person or by a reload. */
  async resume(): Promise<void> {
    const { run } = this;
    if (!run || !this.canResume) return;
    const files = await readFiles(run.id);
    this.error = null;
    try {
      if (!files) throw new EngineError("bad_request", "The questions of this run are gone.", "Begin it anew.");
      await this.#ask(run, files, await readResults(run));
    } catch (error) {
      this.error = EngineError.record(error);
    }
  }

  /** Stops asking. What came so far is kept. */
  pause(): void {
    this.#controller?.abort();
  }

  /** Puts another run beside the shown one; null takes it away. */
  async beside(id: string | null): Promise<void> {
    const run = this.runs.find((candidate) => candidate.id === id);
    this.other = run ? { run, results: await readResults(run) } : null;
  }

  async remove(id: string): Promise<void> {
    if (this.running === id) this.pause();
    await removeRun(id);
    if (this.run?.id === id) this.leave();
    if (this.other?.run.id === id) this.other = null;
    await this.refresh();
  }

  /** Hands the shown run to the browser's downloads. */
  save(format: "json" | "csv"): void {
    const { run, results } = this;
    if (!run) return;
    const { task, model, settings } = run;
    const name = `${task.name} ${model.name} ${model.quantization}`;
    if (format === "json") saveFile(`${name}.json`, "application/json", toJson({ task, model, settings }, results));
    else saveFile(`${name}.csv`, "text/csv", toCsv({ settings }, results));
  }

  /** Asks what is left of a run. Stopping is no error. */
  async #ask(run: Run, files: RunFiles, before: readonly Result[]): Promise<void> {
    const { cria } = this.model;
    if (!cria) return;
    await this.adapters?.applied(cria); // after a reload they have to be there again
    const controller = new AbortController();
    this.#controller = controller;
    this.running = run.id;
    const results = [...before];
    let kept = { ...run, done: before.length };
    let [keptAt, shownAt] = [performance.now(), performance.now()];
    const began = performance.now();
    const options: EvaluateOptions = {
      ...run.settings,
      done: before.length,
      examples: this.#examples(files),
      reference: this.#reference(run),
      signal: controller.signal,
    };
    try {
      for await (const result of evaluate(adapted(cria, run.adapters ?? []), this.read(files.task), options)) {
        results.push(result);
        const now = performance.now();
        if (now - shownAt > SHOW_EVERY_MS) {
          this.#put(kept, results);
          this.pace = (now - began) / (results.length - before.length);
          shownAt = now;
        }
        if (now - keptAt > KEEP_EVERY_MS) {
          kept = await keepResults(kept, results);
          keptAt = performance.now();
        }
        if (controller.signal.aborted) break;
      }
    } catch (error) {
      if (EngineError.record(error).code !== "aborted") throw error;
    } finally {
      this.running = null;
      if (this.runs.some(({ id }) => id === run.id)) kept = await keepResults(kept, results); // else it was removed meanwhile
      this.#put(kept, results);
      await this.refresh();
    }
  }

  /** Shows results, if it is their run that is looked at. */
  #put(run: Run, results: readonly Result[]): void {
    if (this.run?.id !== run.id) return;
    this.run = run;
    this.results = [...results];
  }

  #examples({ examples }: RunFiles): QuestionTask | null {
    const task = examples ? this.read(examples) : null;
    if (task?.kind === "text")
      throw new EngineError("bad_request", `${task.name} has no questions.`, "Choose another file of examples.");
    return task;
  }

  #reference({ id, keeps, against }: Run): Reference | null {
    if (!keeps && !against) return null;
    return {
      read: async (window) => (against ? readDistributions(against, window) : null),
      keep: keeps ? (window, distributions) => keepDistributions(id, window, distributions) : null,
    };
  }

  #isSameTask({ task, settings }: Run): boolean {
    const shown = this.run;
    return (
      shown !== null &&
      task.name === shown.task.name &&
      task.format === shown.task.format &&
      settings.window === shown.settings.window
    );
  }
}

/** "SmolLM2 135M with tales at 0.5": the model and its adapters are one to be compared with others. */
function nameWith(name: string, adapters: readonly AppliedAdapter[] = []): string {
  const parts = adapters.map((adapter) => (adapter.scale === 1 ? adapter.name : `${adapter.name} at ${adapter.scale}`));
  return parts.length === 0 ? name : `${name} with ${parts.join(" and ")}`;
}
