// From the logits of a prompt to its answer: one token after another, as text, until something ends it.
import type { Sampling } from "../base/backend.ts";
import type { StopType } from "../base/openai.ts";
import type { Constraint } from "../grammar/constraint.ts";
import type { Session } from "../model/session.ts";
import type { Detokenizer } from "../text/detokenizer.ts";
import { Lookup } from "./lookup.ts";
import { Sampler } from "./sampler.ts";
import { scoreToken, type TokenScore } from "./score.ts";
import { StopFilter } from "./stops.ts";

/** Some tokens of an answer. Their text may come with later ones: half a character, the beginning of a stop string. */
export interface Piece {
  readonly ids: readonly number[];
  readonly text: string;
  /** One for each id where the request asked for them, else none. */
  readonly scores: readonly TokenScore[];
}

/** What ends an answer, and how its tokens are picked. */
export interface GenerateOptions {
  readonly sampling: Sampling;
  /** At most so many tokens; null for as many as there is room for. */
  readonly maxTokens: number | null;
  /** Texts that end the answer; they and what follows are not part of it. */
  readonly stop: readonly string[];
  /** Tokens that end the answer; they are not part of it. */
  readonly endIds: readonly number[];
  /** Alternatives to score for each token; null for no scores. */
  readonly alternatives: number | null;
  /** Guess tokens from the text where that pays. */
  readonly speculate: boolean;
  /** Holds the answer to a form; null where it may be anything. */
  readonly constraint: Constraint | null;
  readonly signal?: AbortSignal | undefined;
  /** Gives messages and other requests their turn. True where another came between: the cache is as it was, logits are gone. */
  pause(): Promise<boolean>;
  /** True where another request is to go first: `pause` lets it. */
  isWanted(): boolean;
  /** Milliseconds on a monotonic clock. */
  now(): number;
}

/** Tokens as they are picked, with scores where they were asked for. `complete`: the form of the answer lets nothing follow. */
interface Picked {
  readonly ids: ArrayLike<number>;
  readonly scores: readonly TokenScore[];
  readonly complete?: boolean;
}

/**
 * Continues what the session has read. `logits` [vocab] are those of its last token; they are overwritten.
 * Gives pieces, then why it ended. Nothing comes after `signal` fires. Throws `bad_logits`, `gpu_lost`.
 */
export async function* generate(
  session: Session,
  detokenizer: Detokenizer,
  logits: Float32Array,
  options: GenerateOptions,
): AsyncGenerator<Piece, StopType, void> {
  const { signal, endIds, maxTokens } = options;
  const room = session.contextLength - session.cached.length;
  const limit = Math.min(maxTokens ?? Infinity, room);
  const stops = new StopFilter(options.stop);
  const onDevice = session.decode !== null && options.alternatives === null && options.constraint === null;
  const picks = onDevice ? pickOnDevice(session, limit, options) : pickHere(session, logits, limit, options);
  for await (const { ids, scores, complete } of picks) {
    if (signal?.aborted) return "stopped";
    const kept: number[] = [];
    let text = "";
    let ended: StopType | null = complete ? "eos" : null;
    for (let index = 0; index < ids.length && ended === null; index++) {
      const id = ids[index]!;
      if (endIds.includes(id)) {
        ended = "eos";
        break;
      }
      kept.push(id);
      text += stops.push(detokenizer.push(id));
      if (stops.found !== null) ended = "word";
    }
    if (ended === "eos") text += stops.push(detokenizer.flush()) + stops.flush();
    yield { ids: kept, text, scores: scores.slice(0, kept.length) };
    if (ended) return ended;
  }
  if (signal?.aborted) return "stopped";
  yield { ids: [], text: stops.push(detokenizer.flush()) + stops.flush(), scores: [] };
  return limit === maxTokens ? "limit" : "context_full";
}

/** The device picks, and says so in runs of tokens. Where it made way in between, it goes on from the last token, read again. */
async function* pickOnDevice(session: Session, limit: number, options: GenerateOptions): AsyncGenerator<Picked, void, void> {
  const { sampling, endIds, signal, pause, isWanted } = options;
  let wanted = false;
  const stopped = (): boolean => (signal?.aborted ?? false) || (wanted ||= isWanted());
  const prompt = [...session.cached];
  const answer: number[] = [];
  for (;;) {
    const request = { limit: limit - answer.length, sampling, recent: [...answer], endIds, stopped };
    for await (const ids of session.decode!(request)) {
      answer.push(...ids);
      yield { ids, scores: [] };
    }
    if (!wanted || signal?.aborted || answer.length >= limit || endIds.includes(answer.at(-1) ?? -1)) return;
    wanted = false;
    await pause();
    await session.prefill([...prompt, ...answer], { signal });
  }
}

/** We pick from the logits of the last token and have the session read what we picked, with guesses of what follows where that pays. */
async function* pickHere(
  session: Session,
  first: Float32Array,
  limit: number,
  { sampling, alternatives, speculate, constraint, signal, pause, now }: GenerateOptions,
): AsyncGenerator<Picked, void, void> {
  const vocab = first.length;
  const sampler = new Sampler(vocab);
  const text = [...session.cached];
  const answer: number[] = []; // what the repetition penalty looks at: a question's words belong in its answer
  // A batch on the GPU need not give the very same bits as one token does, so that a near tie could turn out otherwise.
  const lookup = speculate && session.decode === null ? new Lookup(vocab, text) : null;
  let rows = first; // logits [1 + guessed, vocab] of the last token and of guesses after it
  let row = 0;
  let guessed: readonly number[] = [];
  try {
    for (let count = 1; count <= limit; count++) {
      const logits = rows.subarray(row * vocab, (row + 1) * vocab);
      const unspoilt = alternatives === null ? null : logits.slice();
      if (constraint && !constraint.apply(logits, limit - count + 1)) return void (yield { ids: [], scores: [], complete: true });
      const id = sampler.pick(logits, sampling, answer, text.length);
      yield { ids: [id], scores: unspoilt ? [scoreToken(unspoilt, id, alternatives!)] : [] };
      if (count === limit) return;
      constraint?.accept(id);
      const disturbed = await pause();
      if (signal?.aborted) return;
      text.push(id);
      answer.push(id);
      lookup?.add(id);
      if (guessed[row++] === id && !disturbed) continue; // what follows it is known already
      session.truncate(text.length - 1);
      lookup?.learn(guessed.length, row);
      guessed = lookup?.guess(limit - count) ?? [];
      row = 0;
      const began = now();
      rows = await session.append([id, ...guessed], guessed.length > 0 ? "all" : "last");
      lookup?.time(guessed.length, now() - began);
    }
  } finally {
    session.truncate(text.length); // guesses that were not said
  }
}
