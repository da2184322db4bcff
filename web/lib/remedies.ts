// For every error code: how the page calls it, and which buttons help.
import type { ErrorCode } from "../../workers/engine/base/errors.ts";

/** What a person can do about a failure, by the button they press. */
export type Remedy =
  | "retry"
  | "reload_model"
  | "choose_model"
  | "open_file"
  | "drop_oldest"
  | "free_space"
  | "use_wasm"
  | "settings"
  | "reload_page";

interface Trouble {
  /** A calm heading. The error's own message and hint follow it. */
  readonly title: string;
  /** The most promising first. */
  readonly remedies: readonly Remedy[];
}

/** Complete by type: a new code does not compile until it has its line here. */
export const TROUBLES: Readonly<Record<ErrorCode, Trouble>> = {
  aborted: { title: "Stopped", remedies: ["retry"] },
  bad_file: { title: "This file contradicts itself", remedies: ["open_file", "choose_model"] },
  bad_logits: { title: "The model lost its thread", remedies: ["retry", "use_wasm", "choose_model"] },
  bad_request: { title: "A setting is out of range", remedies: ["settings", "retry"] },
  bad_template: { title: "This model's chat template doesn't work", remedies: ["choose_model", "open_file"] },
  budget_spent: { title: "Enough for today", remedies: [] },
  busy: { title: "Still answering something else", remedies: ["retry"] },
  context_full: { title: "This conversation has filled the model's memory", remedies: ["drop_oldest"] },
  crashed_before: { title: "This model was too much for the tab", remedies: ["reload_model", "choose_model"] },
  cross_origin: { title: "That site doesn't share its files", remedies: ["open_file", "choose_model"] },
  damaged: { title: "The download is damaged", remedies: ["reload_model", "choose_model"] },
  declined: { title: "Nothing was downloaded", remedies: ["retry"] },
  disk_full: { title: "The browser has no room left", remedies: ["free_space", "choose_model"] },
  disposed: { title: "The model was put away", remedies: ["reload_model"] },
  engine_gone: { title: "The tab with the model is gone", remedies: ["retry", "reload_model"] },
  gpu_lost: { title: "The graphics processor went away", remedies: ["reload_model", "use_wasm"] },
  internal: { title: "Something in Cria broke", remedies: ["retry", "reload_page"] },
  network: { title: "The connection broke", remedies: ["reload_model", "open_file"] },
  no_gpu: { title: "No usable WebGPU here", remedies: ["use_wasm", "settings"] },
  no_ranges: { title: "That server can't send a file in pieces", remedies: ["open_file", "choose_model"] },
  no_wasm_simd: { title: "This browser is too old for Cria", remedies: [] },
  not_allowed: { title: "This site may not show Cria", remedies: [] },
  not_found: { title: "There is no model at that address", remedies: ["open_file", "choose_model"] },
  not_gguf: { title: "This is not a GGUF model", remedies: ["open_file", "choose_model"] },
  out_of_memory: { title: "Not enough memory for this model", remedies: ["choose_model", "settings"] },
  storage_failed: { title: "The browser's storage keeps failing", remedies: ["reload_model", "free_space"] },
  truncated_file: { title: "This file is cut short", remedies: ["open_file", "choose_model"] },
  unauthorized: { title: "That address asks for a login", remedies: ["open_file", "choose_model"] },
  unsupported_architecture: { title: "A model of another family", remedies: ["choose_model", "open_file"] },
  unsupported_tensor: { title: "Packed in a way Cria can't read", remedies: ["choose_model", "open_file"] },
  unsupported_tokenizer: { title: "A vocabulary Cria can't read", remedies: ["choose_model", "open_file"] },
};

/** What the buttons say. */
export const REMEDY_LABELS: Readonly<Record<Remedy, string>> = {
  retry: "Try again",
  reload_model: "Load the model again",
  choose_model: "Choose another model",
  open_file: "Open a GGUF file",
  drop_oldest: "Forget the oldest turns",
  free_space: "Free some space",
  use_wasm: "Run on the processor",
  settings: "Open settings",
  reload_page: "Reload the page",
};
