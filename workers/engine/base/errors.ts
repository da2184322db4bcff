// The one error class of the project, and the closed list of what can go wrong.

/** Every failure a caller can meet, by what they can do about it. */
export const ERROR_CODES = [
  "aborted", // the caller stopped it; never shown as a failure
  "bad_file", // the bytes contradict themselves
  "bad_logits", // the model computed NaN
  "bad_request", // a parameter out of range
  "bad_template", // the file's chat template cannot be run
  "budget_spent", // the tokens that a widget may spend today are spent
  "busy", // another request is running and cannot be queued
  "context_full", // the prompt or the answer reached the context length
  "crashed_before", // this model took the tab down twice
  "cross_origin", // the host does not allow other pages to read the file (CORS)
  "damaged", // a checksum differs, and fetching again did not help
  "declined", // the visitor of another site's page said no
  "disk_full", // the browser refused to store more
  "disposed", // used after dispose() or unload()
  "engine_gone", // the tab in which the model ran was closed, frozen or crashed
  "gpu_lost", // the device went away
  "internal", // a bug of ours
  "network", // the connection broke, and trying again did not help
  "no_gpu", // WebGPU asked for, none usable
  "no_ranges", // the host ignores Range requests
  "no_wasm_simd", // the browser is too old
  "not_allowed", // the deployment's list does not let this site show Cria, or not with this model
  "not_found", // 404, or an unknown catalogue id
  "not_gguf", // the file is something else
  "out_of_memory", // weights or cache do not fit
  "storage_failed", // IndexedDB failed again and again
  "truncated_file", // the file ends before its tensors do
  "unauthorized", // 401, 403
  "unsupported_architecture", // a GGUF, but not of the llama architecture
  "unsupported_tensor", // a tensor type we cannot read
  "unsupported_tokenizer", // a vocabulary we cannot read
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error as data: what crosses comlink, MessagePorts and HTTP. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  /** What happened, with its numbers. One sentence. */
  readonly message: string;
  /** What the person can do next. One sentence, or "" where nothing helps. */
  readonly hint: string;
}

/** The only error this project throws on purpose. */
export class EngineError extends Error implements ErrorRecord {
  override readonly name = "EngineError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint = "",
  ) {
    super(message);
  }

  /** The error as a plain record. Anything unknown becomes `internal`, an AbortError `aborted`. */
  static record(error: unknown): ErrorRecord {
    if (error instanceof EngineError) return { code: error.code, message: error.message, hint: error.hint };
    if (error instanceof Error && error.name === "AbortError") return { code: "aborted", message: "Stopped.", hint: "" };
    const message = error instanceof Error ? error.message : String(error);
    return { code: "internal", message, hint: "This is a bug in Cria. Reload the page, and please report it." };
  }

  /** The error a record stands for. */
  static revive(record: ErrorRecord): EngineError {
    return new EngineError(record.code, record.message, record.hint);
  }
}

/** Throws `internal` where the program itself is wrong. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new EngineError("internal", message, "This is a bug in Cria. Please report it.");
}
