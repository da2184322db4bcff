// A model of three letters whose every logit is known beforehand, and its tokenizer.
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import type { Cria } from "../../../../workers/engine/base/cria.ts";
import type { Shape } from "../../../../workers/engine/base/model.ts";
import { scoreContinuations } from "../../../../workers/engine/decode/continuations.ts";
import type { Judge } from "../../../../workers/engine/evaluate/evaluate.ts";
import { BackendSession } from "../../../../workers/engine/model/session.ts";
import type { Tokenizer } from "../../../../workers/engine/text/tokenizer.ts";
import { tokenizerOf } from "../doubles.ts";

export function smallTokenizer(): Tokenizer {
  return tokenizerOf(["a", "b", "c"]);
}

/** After token t, the logit of token v is sharpness * ((v + t) mod 3): after "a" a, b, c have 0, 1, 2. Counts what it reads. */
export class SmallBackend implements Backend {
  readonly info = {
    backend: "wasm",
    tier: "none",
    reason: "A test.",
    threads: 1,
    weightBytesPerToken: 0,
    memoryBytes: 0,
  } as const;
  readonly chunk = 4;
  readonly rowGroup = 1;
  readonly decode = null;
  readonly hidden = null;
  readonly snapshots = null;
  readonly adapters = null;
  readonly shape: Shape;
  read = 0;

  constructor(
    readonly contextLength = 100,
    private readonly sharpness = 1,
  ) {
    this.shape = { layers: 1, dim: 1, ffnDim: 1, heads: 1, kvHeads: 1, headDim: 1, vocab: 3, contextLength, epsilon: 1e-5 };
  }

  write(): Promise<void> {
    return Promise.resolve();
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  async forward(tokens: Uint32Array, _at: number, logits: "none" | "last" | "all"): Promise<Float32Array> {
    await Promise.resolve();
    this.read += tokens.length;
    const rows = logits === "none" ? [] : [...tokens].slice(logits === "all" ? 0 : -1);
    return Float32Array.from(rows.flatMap((token) => [0, 1, 2].map((v) => this.sharpness * ((v + token) % 3))));
  }

  dispose(): void {
    this.read = 0;
  }
}

/** The library's surface over it, as far as an evaluation asks. `said` is what it answers in words. */
export function smallCria(backend = new SmallBackend(), said: (prompt: string) => string = () => ""): Judge {
  const session = new BackendSession(backend, backend.shape);
  const tokenizer = smallTokenizer();
  return {
    info: { contextLength: backend.contextLength, startToken: null } as Cria["info"],
    tokenize: async (text) => tokenizer.encode(text),
    score: (request) => scoreContinuations(session, tokenizer, request),
    completions: {
      create: ({ prompt }) => {
        const choice = { index: 0, text: said(String(prompt)), finish_reason: "stop", stop_type: "eos", logprobs: null } as const;
        return Promise.resolve({ id: "1", object: "text_completion", created: 0, model: "small", choices: [choice] });
      },
    },
  };
}
