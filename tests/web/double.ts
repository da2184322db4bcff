// An engine that only plays one: a scripted model in memory, so that the page can be brought into every state at will.
import type { Advice, AdviceSubject, Prediction } from "../../workers/engine/base/advice.ts";
import type { ModelDetails } from "../../workers/engine/base/details.ts";
import type { Offer, OfferedModel, Room, StoreProgress } from "../../workers/engine/base/storage.ts";
import type { AdapterFiles, AdapterOptions, Adapters, Cria, LoadOptions } from "../../workers/engine/base/cria.ts";
import type { Shape } from "../../workers/engine/base/model.ts";
import type { AdapterInfo, AdapterPreview } from "../../workers/engine/base/adapters.ts";
import { EngineError, type ErrorCode } from "../../workers/engine/base/errors.ts";
import type { ChatCompletionChunk, ChatMessage, ChatRequest, StopType, Usage } from "../../workers/engine/base/openai.ts";
import type { ScoreRequest, ScoreResponse } from "../../workers/engine/base/score.ts";
import type { CatalogueEntry, ModelInfo, ModelPreview, ModelSource, StoredModel } from "../../workers/engine/base/wire.ts";
import type { Engine } from "../../web/state/engine.ts";

export interface Script {
  /** True where the model is stored already. */
  stored: boolean;
  crashes: number;
  /** How long a download takes; 0 is done at once. */
  downloadMs: number;
  /** Milliseconds between two tokens; 0 is at once. */
  tokenMs: number;
  /** Milliseconds to score one request; 0 is at once. */
  scoreMs: number;
  contextLength: number;
  /** What the model says, by the last question. */
  answer: (messages: readonly ChatMessage[]) => string;
  /** How answers end. */
  stop: StopType;
  /** What fails, and where: once for each entry. */
  failures: { at: "catalogue" | "preview" | "load" | "answer" | "look" | "download" | "advise"; code: ErrorCode }[];
  /** How long measuring the device takes. */
  measureMs: number;
  /** Tokens an answer gives before it fails. */
  tokensBeforeFailure: number;
}

export const ENTRY: CatalogueEntry = {
  id: "smollm2-135m-instruct",
  name: "SmolLM2 135M Instruct",
  urls: ["models/SmolLM2-135M-Instruct.Q4_1.gguf"],
  sizeBytes: 98_362_432,
  sha256: null,
  quantization: "Q4_1",
  parameters: 134_515_008,
  licence: "Apache-2.0",
  homepage: "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
  defaults: { system: "", sampling: { temperature: 0.2, topP: 0.9 } },
  variants: [],
  use: "chat",
  contextLength: 8192,
  prompt: "ChatML",
  confirmed: true,
  advice: null,
};

const SHAPE: Shape = {
  layers: 30,
  dim: 576,
  ffnDim: 1536,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  vocab: 49152,
  contextLength: 2048,
  epsilon: 1e-5,
};

const other = (
  id: string,
  name: string,
  parameters: number,
  sizeBytes: number,
  changes: Partial<CatalogueEntry> = {},
): CatalogueEntry => ({
  ...ENTRY,
  ...{ id, name, parameters, sizeBytes },
  urls: [`https://huggingface.co/owner/${id}/resolve/main/${id}.gguf`],
  quantization: "Q4_K_M",
  homepage: `https://huggingface.co/owner/${id}`,
  ...changes,
});

/** What the catalogue has besides ENTRY: small, large, far too large, and one whose source nobody confirmed. */
export const OTHERS: readonly CatalogueEntry[] = [
  other("llama-3.2-1b-instruct", "Llama 3.2 1B Instruct", 1_235_814_400, 807_694_464, {
    licence: "Llama 3.2 Community License",
    variants: [{ quantization: "Q8_0", urls: ["https://huggingface.co/owner/q8.gguf"], sizeBytes: 1_321_083_008, sha256: null }],
  }),
  other("smollm2-1.7b-instruct", "SmolLM2 1.7B Instruct", 1_711_376_384, 1_055_609_824),
  other("llama-3.1-8b-instruct", "Llama 3.1 8B Instruct", 8_030_261_248, 4_920_739_232),
  other("llama-65b", "LLaMA 65B", 65_285_660_672, 39_276_000_000, {
    use: "text",
    urls: [],
    confirmed: false,
    homepage: "builtin/README.md",
    advice: "Meta gives the weights to researchers who ask for them.",
  }),
];

/** A device that reads 9 GB a second and has 16 GB: SmolLM2 at 96 tokens/s, 8B at 1.9. */
function adviceOn(subject: AdviceSubject): Advice {
  const sketch =
    typeof subject === "object" && "parameters" in subject
      ? subject
      : { ...OTHERS[0]!, id: typeof subject === "string" ? subject : "file", shape: undefined };
  const tokensPerSecond = 9.5e9 / sketch.sizeBytes;
  const memoryBytes = sketch.sizeBytes * 1.15 + 1e8;
  const fits = memoryBytes < 8e9 ? "yes" : memoryBytes < 12e9 ? "tight" : "no";
  const prediction: Prediction = {
    backend: "wasm",
    place: "relaxed32, 2 threads",
    fit: fits,
    memoryBytes,
    contextLength: fits === "no" ? 0 : 8192,
    firstTokenMs: sketch.parameters / 7e5,
    tokensPerSecond,
  };
  const outcome = { backend: "wasm", firstTokenMs: 201, tokensPerSecond: tokensPerSecond * 0.93, at: 1 } as const;
  return {
    ...{ id: sketch.id, name: sketch.name, quantization: sketch.quantization, parameters: sketch.parameters },
    sizeBytes: sketch.sizeBytes,
    shape: SHAPE,
    loss: 1.7 + 406 / sketch.parameters ** 0.34 + 1e8 / sketch.sizeBytes,
    predictions: [prediction],
    past: sketch.id === ENTRY.id ? { predicted: prediction, outcome } : null,
  };
}

function storedOf(id: string, name: string, sizeBytes: number, storedBytes: number): StoredModel {
  const quantization = /[QF]\d\w*/.exec(name)?.[0] ?? "Q4_1";
  const complete = storedBytes >= sizeBytes;
  return {
    ...{ id, name, sizeBytes, storedBytes, complete, quantization },
    busy: false,
    origin: "address",
    url: ENTRY.urls[0]!,
    sha256: null,
    verified: complete,
    addedMs: 1,
    parts: 1,
  };
}

function offered(address: string, sizeBytes: number): OfferedModel {
  const name = address.split("/").at(-1)!;
  return {
    address,
    name,
    sizeBytes,
    quantization: /-([QF]\w+)\./.exec(name)?.[1] ?? null,
    parts: 1,
    hashed: true,
    storedBytes: 0,
  };
}

const MESSAGES: Partial<Record<ErrorCode, [message: string, hint: string]>> = {
  not_gguf: ["holiday.jpg starts with FF D8 FF E0; a GGUF file starts with GGUF.", "Choose a file that ends in .gguf."],
  truncated_file: ["model.gguf ends after 40,000,000 bytes, and its tensors need 98,362,432.", "Download it again."],
  disk_full: [
    "The browser refused to store 16.8 MB more; it allows 120 MB in all.",
    "Remove a stored model, or free space on the disk.",
  ],
  network: ["The connection to localhost broke 5 times in a row.", "Check the network; what was downloaded is kept."],
};

/** The error a double throws for a code. */
export function failure(code: ErrorCode): EngineError {
  const [message, hint] = MESSAGES[code] ?? [`The double was told to fail with ${code}.`, "Try something else."];
  return new EngineError(code, message, hint);
}

/** An engine that follows `script`, which may be changed while it runs. `requests` keeps what it was asked. */
export class EngineDouble implements Engine {
  readonly script: Script;
  readonly requests: ChatRequest[] = [];
  storedBytes = 0;
  /** Stored besides ENTRY. */
  others: StoredModel[] = [];
  /** Access tokens by host. */
  readonly tokens = new Map<string, string>();

  constructor(script: Partial<Script> = {}) {
    const usual: Script = {
      stored: false,
      crashes: 0,
      downloadMs: 0,
      tokenMs: 0,
      scoreMs: 0,
      contextLength: 2048,
      answer: () => "The capital of France is Paris.",
      stop: "eos",
      failures: [],
      measureMs: 0,
      tokensBeforeFailure: 0,
    };
    this.script = { ...usual, ...script };
    if (this.script.stored) this.storedBytes = ENTRY.sizeBytes;
  }

  catalogue = async (): Promise<readonly CatalogueEntry[]> => {
    this.#failAt("catalogue");
    return [ENTRY, ...OTHERS];
  };

  preview = async (model: ModelSource): Promise<ModelPreview> => {
    this.#failAt("preview");
    const file = typeof model === "string" ? null : "length" in model ? model[0]! : model;
    const address = typeof model === "string" ? model : "";
    return {
      id: file?.name ?? address,
      name: file?.name ?? (address === ENTRY.id ? ENTRY.name : address.split("/").at(-1)!),
      sizeBytes: file?.size ?? ENTRY.sizeBytes,
      storedBytes: file ? 0 : this.storedBytes,
      freeBytes: 11_800_000_000,
      crashes: this.script.crashes,
      defaults: model === ENTRY.id ? ENTRY.defaults : null,
    };
  };

  load = async ({ onProgress, onChange, signal }: LoadOptions): Promise<Cria> => {
    const { sizeBytes } = ENTRY;
    const steps = this.script.downloadMs > 0 ? Math.ceil(this.script.downloadMs / 50) : 1;
    const bytesPerSecond = (sizeBytes * 1000) / Math.max(1, this.script.downloadMs);
    for (let step = 0; step <= steps && this.storedBytes < sizeBytes; step++) {
      if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
      this.storedBytes = Math.round((step / steps) * sizeBytes);
      onProgress?.({ phase: "download", doneBytes: this.storedBytes, totalBytes: sizeBytes, bytesPerSecond });
      if (this.script.downloadMs > 0) await pause(50);
    }
    this.#failAt("load");
    this.script.crashes = 0;
    const cria = this.#model();
    this.onChange = onChange ?? null;
    onChange?.({ kind: "ready", info: cria.info, elsewhere: false });
    return cria;
  };

  storedModels = async (): Promise<readonly StoredModel[]> => [
    ...(this.storedBytes > 0 ? [storedOf(ENTRY.id, ENTRY.name, ENTRY.sizeBytes, this.storedBytes)] : []),
    ...this.others,
  ];

  removeModel = async (id: string): Promise<void> => {
    if (id === ENTRY.id) this.storedBytes = 0;
    this.others = this.others.filter((model) => model.id !== id);
  };

  storageRoom = async (): Promise<Room> => {
    const modelsBytes = this.storedBytes + this.others.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    const [usageBytes, quotaBytes] = [modelsBytes + 6_000_000, 12_000_000_000];
    return {
      usageBytes,
      quotaBytes,
      freeBytes: quotaBytes - usageBytes,
      modelsBytes,
      readingsBytes: this.readingsBytes,
      persistent: false,
    };
  };

  adapterFiles = (address: string): Promise<File[]> => Promise.resolve([new File(["lora"], address.split("/").at(-1)!)]);

  lookAt = async (address: string): Promise<Offer> => {
    this.#failAt("look");
    if (/\.gguf$/.test(address)) return { kind: "model", model: offered(address, 4_920_739_232), defaults: null };
    const [repository = "", revision = "main"] = address.split("@");
    const model = (quantization: string, sizeBytes: number): OfferedModel =>
      offered(`${repository}/Llama-3.2-1B-Instruct-${quantization}.gguf`, sizeBytes);
    return {
      kind: "repository",
      repository: {
        repository,
        page: `https://huggingface.co/${repository}`,
        revision,
        commit: "067b946cf014b7c697f3654f621d577a3e3afd1c",
        revisions: ["main", "v2"],
        gated: repository.startsWith("gated/"),
        licence: "llama3.2",
        models: [
          model("Q3_K_L", 732_524_384),
          model("Q4_K_M", 807_694_464),
          model("Q5_K_M", 911_503_488),
          model("Q8_0", 1_321_083_008),
          model("F16", 2_479_595_616),
        ],
        otherFiles: [{ path: "README.md", sizeBytes: 9000 }],
      },
    };
  };

  downloadModel = async (
    address: string,
    { onProgress, signal }: { onProgress?: (progress: StoreProgress) => void; signal?: AbortSignal } = {},
  ): Promise<StoredModel> => {
    const name = address.split("/").at(-1)!;
    const totalBytes = [ENTRY, ...OTHERS].find(({ id }) => id === address)?.sizeBytes ?? 4_920_739_232;
    const steps = Math.max(1, Math.ceil(this.script.downloadMs / 50));
    const bytesPerSecond = (totalBytes * 1000) / Math.max(1, this.script.downloadMs);
    const begun = this.others.find(({ id }) => id === address)?.storedBytes ?? 0;
    for (let step = Math.round((begun / totalBytes) * steps); step <= steps; step++) {
      const doneBytes = Math.round((step / steps) * totalBytes);
      const model = storedOf(address, name, totalBytes, doneBytes);
      this.others = [...this.others.filter(({ id }) => id !== address), model];
      if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
      if (step > 0) this.#failAt("download");
      onProgress?.({ doneBytes, totalBytes, bytesPerSecond });
      if (this.script.downloadMs > 0) await pause(50);
    }
    return this.others.at(-1)!;
  };

  /** What another tab has in memory; null where nothing is. */
  running: ModelSource | null = null;

  currentModel: Engine["currentModel"] = async ({ onChange } = {}) => {
    if (this.running === null) return null;
    this.onChange = onChange ?? null;
    onChange?.({ kind: "ready", info: this.#model().info, elsewhere: true });
    return { cria: this.#model(), model: this.running };
  };

  /** Tells the page what becomes of its model. */
  onChange: LoadOptions["onChange"] | null = null;

  keepFiles = async (files: readonly File[]): Promise<StoredModel> => {
    const model = storedOf(`own:${files[0]!.name}`, files[0]!.name, files[0]!.size, files[0]!.size);
    this.others = [...this.others, { ...model, origin: "file", url: null }];
    return model;
  };

  exportModel = async (): Promise<boolean> => true;

  /** What models have read of conversations. */
  readingsBytes = 48_000_000;
  readonly forgotten: (string | null)[] = [];

  forgetReadings = async (conversation: string | null = null): Promise<void> => {
    this.forgotten.push(conversation);
    if (conversation === null) this.readingsBytes = 0;
  };

  keepToken = async (origin: string, token: string | null): Promise<void> => {
    if (token === null) this.tokens.delete(origin);
    else this.tokens.set(origin, token);
  };

  tokenOrigins = async (): Promise<readonly string[]> => [...this.tokens.keys()];

  advise = async (subjects: readonly AdviceSubject[]): Promise<readonly Advice[]> => {
    await pause(this.script.measureMs);
    this.#failAt("advise");
    return subjects.map(adviceOn);
  };

  inspect = async (): Promise<ModelDetails> => ({
    name: ENTRY.name,
    architecture: "llama",
    shape: SHAPE,
    parameters: ENTRY.parameters,
    sizeBytes: ENTRY.sizeBytes,
    template: "the file's own template",
    tokenizer: "gpt2",
    licence: "apache-2.0",
    types: [
      { type: "Q4_1", tensors: 210, sizeBytes: 66_355_200 },
      { type: "Q8_0", tensors: 1, sizeBytes: 30_081_024 },
      { type: "F32", tensors: 61, sizeBytes: 140_544 },
    ],
    tensors: Array.from({ length: 272 }, (_, index) => ({
      name: `blk.${index}.attn_q.weight`,
      type: "Q4_1",
      rows: 576,
      cols: 576,
    })),
    metadata: [
      { key: "general.architecture", value: "llama" },
      { key: "tokenizer.ggml.tokens", value: "49,152 × text: <|endoftext|>, <|im_start|>, <|im_end|> …" },
    ],
  });

  deleteEverything = async (): Promise<void> => {
    this.storedBytes = 0;
    this.others = [];
  };

  #failAt(at: Script["failures"][number]["at"]): void {
    const index = this.script.failures.findIndex((failure) => failure.at === at);
    if (index >= 0) throw failure(this.script.failures.splice(index, 1)[0]!.code);
  }

  #model(): Cria {
    const info: ModelInfo = {
      id: ENTRY.id,
      name: ENTRY.name,
      quantization: ENTRY.quantization,
      parameters: ENTRY.parameters,
      sizeBytes: ENTRY.sizeBytes,
      shape: SHAPE,
      contextLength: this.script.contextLength,
      template: "the file's own template",
      startToken: null,
      backend: "webgpu",
      tier: "T2",
      reason: "Subgroups passed the self-test; packed dot products are not offered.",
      threads: 0,
      weightBytesPerToken: 98_000_000,
      memoryBytes: 143_000_000,
    };
    const words = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];
    const create = (request: ChatRequest, options?: { signal?: AbortSignal }): Promise<never> => {
      this.requests.push(request);
      return Promise.resolve(this.#stream(request, options?.signal) as never);
    };
    return {
      info,
      tokenize: async (text) => words(text).map((_, index) => index),
      detokenize: async () => "",
      completions: { create: (): Promise<never> => Promise.reject(new EngineError("bad_request", "The double only chats.")) },
      chat: { completions: { create } },
      adapters: this.adapters,
      embeddings: { create: (): Promise<never> => Promise.reject(new EngineError("bad_request", "The double only chats.")) },
      score: async (request) => (await pause(this.script.scoreMs), this.#scores(request)),
      stats: async () => ({
        load: { bytes: ENTRY.sizeBytes, milliseconds: 900 },
        prefill: { tokens: 12, cachedTokens: 0, milliseconds: 80 },
        decode: { tokens: 60, milliseconds: 1500 },
        gpuBytes: 143_000_000,
        wasmBytes: 0,
      }),
      unload: async () => undefined,
    };
  }

  /** Adapters by the names of their files: "prompt…" has gates, "tuning…" has to be merged, "other…" is for another model. */
  readonly adapters: Adapters & { readonly loaded: Map<string, AdapterInfo> } = {
    loaded: new Map<string, AdapterInfo>(),
    preview: (files: AdapterFiles, { gate = null }: AdapterOptions = {}): Promise<AdapterPreview> => {
      const first = [files].flat()[0]!;
      const name = typeof first === "string" ? first : first.name;
      const known = { layers: 30, targets: [], rank: null, promptLength: null, gate: null, sizeBytes: 4_200_000 };
      if (name.startsWith("other"))
        return Promise.reject(
          new EngineError(
            "bad_file",
            "The adapter does not fit the model: blk.31 is not in it.",
            "Load the model it was trained on.",
          ),
        );
      if (name.startsWith("tuning")) return Promise.resolve({ ...known, kind: "tuning", format: "LLaMA-Adapter V2" });
      if (name.startsWith("prompt"))
        return Promise.resolve({ ...known, kind: "prompt", format: "LLaMA-Adapter V1", promptLength: 10, gate: gate ?? "raw" });
      return Promise.resolve({
        ...known,
        kind: "lora",
        format: "PEFT’s LoRA, safetensors",
        rank: 8,
        targets: ["attn_q", "attn_v"],
      });
    },
    load: async (files: AdapterFiles, options: AdapterOptions = {}): Promise<AdapterInfo> => {
      const info = { id: options.id ?? "adapter", ...(await this.adapters.preview(files, options)) };
      this.adapters.loaded.set(info.id, info);
      return info;
    },
    list: () => Promise.resolve([...this.adapters.loaded.values()]),
    remove: (id: string) => Promise.resolve(void this.adapters.loaded.delete(id)),
  };

  /** Likelihoods that hang on the text alone: enough for an evaluation to have something to show. */
  #scores({ context, continuations }: ScoreRequest): ScoreResponse {
    const text = String(context);
    const scores = continuations.map((continuation, index) => {
      const ids = [...continuation].map((_, place) => place);
      return { ids, logprobs: ids.map((place) => -1 - ((text.length + index * 7 + place) % 5) / 4), greedy: false };
    });
    return { contextTokens: 12, droppedTokens: 0, scores };
  }

  async *#stream(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatCompletionChunk> {
    const messages = request.messages.map((message) => ({ ...message, content: message.content ?? "" }));
    const prompt = messages.reduce((sum, { content }) => sum + content.split(/\s+/).length + 8, 0);
    const pieces = this.script.answer(messages).match(/\s*\S{1,6}|\s+$/g) ?? [];
    const usage = (tokens: number): Usage => ({
      prompt_tokens: prompt,
      completion_tokens: tokens,
      total_tokens: prompt + tokens,
      prompt_tokens_details: { cached_tokens: 0 },
    });
    const chunk = (content: string, stop: StopType | null, tokens: number): ChatCompletionChunk => ({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 0,
      model: ENTRY.id,
      choices: [
        {
          index: 0,
          delta: { content },
          finish_reason: stop === null ? null : stop === "limit" || stop === "context_full" ? "length" : "stop",
          stop_type: stop,
          logprobs: null,
        },
      ],
      ...(stop === null ? {} : { usage: usage(tokens) }),
    });
    await pause(this.script.tokenMs * 4);
    const failing = this.script.failures.some(({ at }) => at === "answer");
    for (const [index, piece] of pieces.entries()) {
      if (signal?.aborted) return yield chunk("", "stopped", index);
      if (failing && index >= this.script.tokensBeforeFailure) this.#failAt("answer");
      yield chunk(piece, null, index);
      await pause(this.script.tokenMs);
    }
    yield chunk("", this.script.stop, pieces.length);
  }
}

function pause(milliseconds: number): Promise<void> {
  return milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : Promise.resolve();
}
