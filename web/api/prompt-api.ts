// The browser's Prompt API, with a model of one's own choice: `globalThis.LanguageModel ??= languageModel({ model })`.
// Source: webmachinelearning.github.io/prompt-api; names as in Chrome 148, the former ones (inputQuota, inputUsage) beside them.
import { load, preview } from "../../workers/client/client.ts";
import type { LoadOptions } from "../../workers/engine/base/cria.ts";
import { messagesOf, samplingOf, unsupported } from "./prompt-input.ts";
import { Conversation, SharedModel } from "./prompt-session.ts";
import type { Availability, CreateOptions, LanguageModelFactory, PromptSession } from "./prompt-types.ts";

/** A `LanguageModel` whose sessions are answered by the model that `options` names; as for `load`. Nothing is fetched before it is asked. */
export function languageModel(options: Omit<LoadOptions, "onProgress" | "signal">): LanguageModelFactory {
  let creating = 0;

  async function availability(wanted: CreateOptions = {}): Promise<Availability> {
    if (foreignType(wanted)) return "unavailable";
    if (creating > 0) return "downloading";
    if (typeof options.model !== "string") return "available";
    const access = { token: options.token ?? null, hub: options.hub ?? null };
    const known = await preview(options.model, access).catch(() => null);
    if (!known) return "unavailable";
    return known.sizeBytes > 0 && known.storedBytes >= known.sizeBytes ? "available" : "downloadable";
  }

  async function create({ initialPrompts = [], monitor, signal, ...wanted }: CreateOptions = {}): Promise<PromptSession> {
    signal?.throwIfAborted();
    const foreign = foreignType(wanted);
    if (foreign) throw unsupported(`"${foreign}" is not understood; this model reads and writes text.`);
    if ("tools" in wanted) throw unsupported("Tools are called through chat.completions of cria.js.");
    const said = messagesOf(initialPrompts, true);
    const sampling = samplingOf(wanted);
    const progress = new EventTarget();
    monitor?.(progress);
    // Not every browser's ProgressEvent counts in fractions.
    const tell = (loaded: number): void =>
      void progress.dispatchEvent(Object.assign(new Event("downloadprogress"), { lengthComputable: true, loaded, total: 1 }));
    creating++;
    try {
      tell(0);
      const cria = await load({
        ...options,
        ...(signal ? { signal } : {}),
        onProgress: ({ phase, doneBytes, totalBytes }) => phase === "download" && totalBytes > 0 && tell(doneBytes / totalBytes),
      });
      tell(1);
      return await new Conversation(new SharedModel(cria), sampling, said).begin();
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      creating--;
    }
  }

  return { availability, create };
}

/** A kind of content that is asked for and can't be had. */
function foreignType({ expectedInputs = [], expectedOutputs = [] }: CreateOptions): string | null {
  return [...expectedInputs, ...expectedOutputs].find(({ type }) => type !== "text")?.type ?? null;
}
