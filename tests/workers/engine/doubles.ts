// A model whose every word is written beforehand: a session that says a script, and a tokenizer of a few tokens.
import type { BackendInfo, DeviceDecode } from "../../../workers/engine/base/backend.ts";
import type { Shape } from "../../../workers/engine/base/model.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import { KeyValues } from "../../../workers/engine/gguf/metadata.ts";
import type { Prefilled, PrefillOptions, Session } from "../../../workers/engine/model/session.ts";
import { createTokenizer, type Tokenizer } from "../../../workers/engine/text/tokenizer.ts";

/** Tokens 0, 1, …: texts as byte-level BPE spells them, "Ġ" for a space. "</s>" ends a text. */
export function tokenizerOf(texts: readonly string[]): Tokenizer {
  const end = texts.indexOf("</s>");
  const types = Float64Array.from(texts, (text) => (text.startsWith("<") ? 3 : 1));
  return createTokenizer(
    new KeyValues(
      new Map<string, string | number | readonly string[] | Float64Array>([
        ["tokenizer.ggml.model", "gpt2"],
        ["tokenizer.ggml.pre", "smollm"],
        ["tokenizer.ggml.tokens", texts],
        ["tokenizer.ggml.token_type", types],
        ["tokenizer.ggml.merges", []],
        ...(end < 0 ? [] : ([["tokenizer.ggml.eos_token_id", end]] as const)),
      ]),
    ),
  );
}

/** After any text, the token that follows: `script[number of tokens said]`. */
export interface ScriptOptions {
  readonly vocab: number;
  readonly script: readonly number[];
  readonly contextLength?: number;
  /** Picks on the device, in runs of so many tokens; default: leaves it to the caller. */
  readonly runLength?: number;
}

/** A session that finds the next token of a script e^10 times likelier than any other. */
export class ScriptedSession implements Session {
  readonly info: BackendInfo = {
    backend: "wasm",
    tier: "script",
    reason: "A test.",
    threads: 1,
    weightBytesPerToken: 0,
    memoryBytes: 0,
  };
  readonly shape: Shape;
  readonly contextLength: number;
  readonly decode: Session["decode"];
  readonly hidden: Session["hidden"] = null;
  readonly snapshots: Session["snapshots"] = null;
  readonly adapters: Session["adapters"] = null;
  cached: number[] = [];
  disposed = false;
  /** Tokens given to `append`, call by call. */
  readonly appended: number[][] = [];
  private promptLength = 0;

  constructor(private readonly options: ScriptOptions) {
    this.contextLength = options.contextLength ?? 100;
    const { vocab } = options;
    this.shape = { layers: 1, dim: 1, ffnDim: 1, heads: 1, kvHeads: 1, headDim: 1, vocab, contextLength: 100, epsilon: 1e-5 };
    this.decode = options.runLength ? (request) => this.runs(request, options.runLength!) : null;
  }

  async prefill(tokens: readonly number[], { signal, onLogits }: PrefillOptions = {}): Promise<Prefilled> {
    await Promise.resolve();
    if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
    let agreeing = 0;
    while (agreeing < tokens.length - 1 && this.cached[agreeing] === tokens[agreeing]) agreeing++;
    this.cached = [...tokens];
    this.promptLength = tokens.length;
    for (let position = 0; position < tokens.length; position++)
      onLogits?.(position, this.logits(tokens[position + 1] ?? this.options.script[0]!));
    return { logits: this.logits(this.options.script[0]!), cachedTokens: onLogits ? 0 : agreeing };
  }

  async append(tokens: readonly number[], logits: "last" | "all"): Promise<Float32Array> {
    await Promise.resolve();
    if (this.cached.length + tokens.length > this.contextLength) throw new EngineError("context_full", "Full.");
    this.appended.push([...tokens]);
    const rows: number[] = [];
    for (const token of tokens) {
      this.cached.push(token);
      rows.push(...this.logits(this.options.script[this.cached.length - this.promptLength] ?? 0));
    }
    return Float32Array.from(logits === "all" ? rows : rows.slice(-this.shape.vocab));
  }

  truncate(length: number): void {
    this.cached.length = Math.min(length, this.cached.length);
  }

  dispose(): void {
    this.disposed = true;
  }

  private async *runs(
    { limit, endIds, stopped }: Omit<DeviceDecode, "at">,
    runLength: number,
  ): AsyncGenerator<Uint32Array, void> {
    for (let said = 0; said < limit && !stopped(); said += runLength) {
      const run = this.options.script.slice(said, Math.min(said + runLength, limit));
      const end = run.findIndex((id) => endIds.includes(id));
      await Promise.resolve();
      yield Uint32Array.from(end < 0 ? run : run.slice(0, end + 1));
      this.cached.push(...run);
      if (end >= 0) return;
    }
  }

  private logits(next: number): Float32Array {
    return Float32Array.from({ length: this.options.vocab }, (_, id) => (id === next ? 10 : 0));
  }
}
