// Scores continuations of one context: the context is read once, its keys and values serve every continuation.
// Source: how a text is cut into context and continuation follows lm-evaluation-harness, lm_eval/api/model.py.
import { EngineError } from "../base/errors.ts";
import type { ContinuationScore, Distributions, ScoreRequest, ScoreResponse } from "../base/score.ts";
import type { Session } from "../model/session.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { divergenceFrom, emptyDistributions, keepDistribution, likeliest, likeliestAt } from "./distribution.ts";
import { logSumExp } from "./score.ts";

/** A continuation as tokens, and all that stands before it. */
interface Cut {
  readonly context: readonly number[];
  readonly ids: readonly number[];
}

/** Scores every continuation of a checked request; `pause` is called between batches. Throws `bad_request`, `context_full`, `aborted`, `bad_logits`. */
export async function scoreContinuations(
  session: Session,
  tokenizer: Tokenizer,
  request: ScoreRequest,
  signal?: AbortSignal,
  pause?: () => Promise<unknown>,
): Promise<ScoreResponse> {
  const cuts = request.continuations.map((continuation) => cut(tokenizer, request.context, continuation));
  const needed = Math.max(...cuts.map(({ context, ids }) => context.length + ids.length));
  // The last token of a continuation is not read: nothing after it is asked about.
  const dropped = Math.max(0, needed - 1 - session.contextLength);
  const first = tokenizer.addBos ? 1 : 0; // the start token stays
  const scores: ContinuationScore[] = [];
  let read: { readonly context: readonly number[]; readonly logits: Float32Array } | null = null;
  for (const [index, { context: whole, ids }] of cuts.entries()) {
    const context = dropped === 0 ? whole : [...whole.slice(0, first), ...whole.slice(first + dropped)];
    if (context.length <= first && dropped > 0) throw tooLong(ids.length, session.contextLength);
    if (read === null || !equal(read.context, context)) {
      const { logits } = await session.prefill(context, { signal, pause });
      read = { context, logits: logits.slice() };
    }
    const judge = new Judge(session.shape.vocab, ids, request.distributions ?? false, request.against?.[index] ?? null);
    judge.take(read.logits);
    if (ids.length > 1) {
      const onLogits = (_: number, logits: Float32Array): void => judge.take(logits);
      await session.prefill([...context, ...ids.slice(0, -1)], { signal, pause, onLogits, logitsFrom: context.length });
    }
    scores.push(judge.score);
    await pause?.();
  }
  return { contextTokens: cuts[0]!.context.length - dropped, droppedTokens: dropped, scores };
}

/** Where the text of a continuation begins among the tokens of the whole: a token may reach over the seam. */
function cut(tokenizer: Tokenizer, context: ScoreRequest["context"], continuation: string | readonly number[]): Cut {
  const encode = (text: string): number[] => tokenizer.encode(text, { bos: tokenizer.addBos });
  let found: Cut;
  if (typeof context === "string" && typeof continuation === "string") {
    const before = encode(context);
    const whole = encode(context + continuation);
    let seam = 0;
    while (seam < before.length && seam < whole.length - 1 && before[seam] === whole[seam]) seam++;
    found = { context: whole.slice(0, seam), ids: whole.slice(seam) };
  } else {
    const before = typeof context === "string" ? encode(context) : context;
    found = { context: before, ids: typeof continuation === "string" ? tokenizer.encode(continuation) : continuation };
  }
  if (found.context.length > 0 && found.ids.length > 0) return found;
  const which = found.ids.length === 0 ? "A continuation" : "The context";
  throw new EngineError("bad_request", `${which} has no tokens.`, "Give at least one word of each.");
}

/** Collects what the model thinks of one continuation, row by row. */
class Judge {
  private readonly logprobs: number[] = [];
  private readonly divergences: number[] = [];
  private readonly kept: Distributions | null;
  private greedy = true;
  private agreements = 0;

  constructor(
    private readonly vocab: number,
    private readonly ids: readonly number[],
    keep: boolean,
    private readonly other: Distributions | null,
  ) {
    this.kept = keep ? emptyDistributions(ids.length, vocab) : null;
    if (other && (other.vocab !== vocab || other.codes.length !== ids.length * vocab)) {
      const message = `The other model's distributions are over ${other.codes.length / other.vocab} places of ${other.vocab} tokens; this text has ${ids.length} of ${vocab}.`;
      throw new EngineError("bad_request", message, "Compare models that share a vocabulary, on the same text.");
    }
  }

  get score(): ContinuationScore {
    const { ids, logprobs, greedy, kept, divergences, agreements } = this;
    return {
      ids,
      logprobs,
      greedy,
      ...(kept && { distributions: kept }),
      ...(this.other && { divergences, agreements }),
    };
  }

  /** Takes logits [rows, vocab] of the next places. */
  take(logits: Float32Array): void {
    for (let row = 0; row < logits.length / this.vocab; row++) {
      this.place(logits.subarray(row * this.vocab, (row + 1) * this.vocab));
    }
  }

  private place(logits: Float32Array): void {
    const place = this.logprobs.length;
    const normalizer = logSumExp(logits);
    if (!Number.isFinite(normalizer)) throw new EngineError("bad_logits", "The model computed no numbers.", "Load it again.");
    const best = likeliest(logits);
    this.logprobs.push(logits[this.ids[place]!]! - normalizer);
    this.greedy &&= best === this.ids[place];
    if (this.kept) keepDistribution(this.kept, place, logits, normalizer);
    if (!this.other) return;
    this.divergences.push(divergenceFrom(this.other, place, logits, normalizer));
    if (likeliestAt(this.other, place) === best) this.agreements++;
  }
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

function tooLong(tokens: number, room: number): EngineError {
  return new EngineError(
    "context_full",
    `A continuation of ${tokens} tokens does not fit in the context of ${room}.`,
    "Load the model with a longer context.",
  );
}
