// One answer, from its prompt to its end, in its turns with the model.
import type { Ending, Pieces } from "./answers.ts";
import { EngineError } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import type { StopType } from "./base/openai.ts";
import type { Manner, Stats } from "./base/wire.ts";
import { generate, type Piece } from "./decode/generate.ts";
import { PromptScorer } from "./decode/score.ts";
import type { Constraint } from "./grammar/constraint.ts";
import type { KvMemory, Variant } from "./memory.ts";
import type { Session } from "./model/session.ts";
import type { Wishes } from "./parameters.ts";
import type { Detokenizer } from "./text/detokenizer.ts";
import type { Turn } from "./turn.ts";

/** A request found good. */
export interface Task {
  readonly prompt: readonly number[];
  readonly wishes: Wishes;
  /** The prompt's text, where it comes back before the answer; else null. */
  readonly echo: string | null;
  readonly detokenizer: Detokenizer;
  /** Holds the answer to its form, if it has one. */
  readonly constraint: Constraint | null;
  readonly variant: Variant;
}

/** How long reading and writing took. */
export type Figures = Pick<Stats, "prefill" | "decode">;

/** What an answer needs of its engine. */
export interface Surroundings {
  readonly session: Session;
  readonly memory: KvMemory;
  readonly host: Host;
  /** Tokens that end a text. */
  readonly endIds: readonly number[];
  /** Waits for a turn. Throws `aborted`, `busy`, `disposed`. */
  begin(): Promise<Turn>;
  /** Hears the figures as they grow. */
  report(figures: Figures): void;
}

/** Answers a task. Stopping is no error: what was said so far stands. */
export async function* answer(around: Surroundings, task: Task, signal: AbortSignal, manner: Manner): Pieces {
  const { memory, session } = around;
  const ending: Ending = { stopType: "stopped", promptTokens: task.prompt.length, cachedTokens: 0, newTokens: 0 };
  let turn: Turn | null = null;
  let keep: () => Promise<void> = () => Promise.resolve();
  try {
    turn = await around.begin();
    const urgency = manner.urgency ?? "person";
    await memory.turnTo(task.echo === null ? task.prompt : [], task.variant, urgency !== "background");
    const { logits, prefill } = yield* read(around, task, turn, signal);
    const { stopType, tokens } = yield* write(around, task, turn, logits, prefill, signal);
    if (manner.conversation !== undefined && session.cached.length > 0) keep = await memory.save(manner.conversation);
    return { ...ending, stopType, cachedTokens: prefill.cachedTokens, newTokens: tokens };
  } catch (error) {
    if (EngineError.record(error).code === "aborted") return ending;
    throw error;
  } finally {
    turn?.end();
    void keep();
  }
}

/** Reads the prompt; gives it back as a piece where it is to be echoed. */
async function* read(
  { session, host, report }: Surroundings,
  { prompt, wishes, echo }: Task,
  turn: Turn,
  signal: AbortSignal,
): AsyncGenerator<Piece, { logits: Float32Array; prefill: Stats["prefill"] }, void> {
  const decode = { tokens: 0, milliseconds: 0 };
  report({ prefill: { tokens: prompt.length, cachedTokens: 0, milliseconds: 0 }, decode });
  const began = host.now();
  const scored = echo !== null && wishes.alternatives !== null;
  const scorer = scored ? new PromptScorer(prompt, wishes.alternatives, session.shape.vocab) : null;
  const options = { signal, onLogits: scorer?.take, pause: () => turn.pause() };
  const { logits, cachedTokens } = await session.prefill(prompt, options);
  const prefill = { tokens: prompt.length, cachedTokens, milliseconds: host.now() - began - turn.takeAwayMs() };
  report({ prefill, decode });
  if (echo !== null) yield { ids: prompt, text: echo, scores: scorer?.scores ?? [] };
  return { logits, prefill };
}

/** Goes on from the logits of the prompt, keeping count. */
async function* write(
  { session, host, endIds, report }: Surroundings,
  { wishes, detokenizer, constraint }: Task,
  turn: Turn,
  logits: Float32Array,
  prefill: Stats["prefill"],
  signal: AbortSignal,
): AsyncGenerator<Piece, { stopType: StopType; tokens: number }, void> {
  const pause = async (): Promise<boolean> => {
    await host.breathe();
    return turn.pause();
  };
  const began = host.now();
  const pieces = generate(session, detokenizer, logits, {
    ...wishes,
    endIds: wishes.ignoreEos && !constraint ? [] : endIds,
    constraint,
    signal,
    pause,
    isWanted: () => turn.isWanted,
    now: () => host.now(),
  });
  let tokens = 0;
  let awayMs = 0;
  try {
    for (;;) {
      const next = await pieces.next();
      if (!next.done) tokens += next.value.ids.length;
      awayMs += turn.takeAwayMs();
      report({ prefill, decode: { tokens, milliseconds: host.now() - began - awayMs } });
      if (next.done) return { stopType: next.value, tokens };
      yield next.value;
    }
  } finally {
    await pieces.return("stopped");
  }
}
