// The adapters beside a loaded model: read from their files, fitted to it, kept under the names by which requests apply them.
import type { Adapter, AdapterRack, Applied } from "./base/adapter.ts";
import type { AdapterInfo, AdapterPreview, AdapterUse, GateReading } from "./base/adapters.ts";
import { EngineError } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import { badRequest } from "./base/request.ts";
import type { ByteSource } from "./base/source.ts";
import type { AdapterContents, PromptContents } from "./adapters/contents.ts";
import { unfit } from "./adapters/errors.ts";
import { loraFor } from "./adapters/fit.ts";
import { openAdapter } from "./adapters/open.ts";
import { previewOf } from "./adapters/preview.ts";
import { promptsFor } from "./adapters/prompts.ts";
import { isGguf, type Loadable } from "./loadable.ts";
import type { ModelFile } from "./model-file.ts";

/** An adapter to load. */
export interface NewAdapter {
  readonly id: string | null;
  readonly files: readonly ByteSource[];
  /** How its gates are read; null for how its publisher's own code does. */
  readonly gate: GateReading | null;
}

interface Loaded {
  readonly info: AdapterInfo;
  /** The backend's number for it. */
  readonly number: number;
}

/** All adapters of one loaded model. */
export class AdapterDesk {
  private readonly loaded = new Map<string, Loaded>();

  /** `rack` is where they go; null where the backend takes none. */
  constructor(
    private readonly host: Host,
    private readonly file: Loadable,
    private readonly rack: AdapterRack | null,
  ) {}

  get list(): AdapterInfo[] {
    return [...this.loaded.values()].map(({ info }) => info);
  }

  /** Looks what an adapter is, and whether it is one for this model. Throws what reading it throws. */
  async preview({ files, gate }: Omit<NewAdapter, "id">, signal?: AbortSignal): Promise<AdapterPreview> {
    const file = this.needGguf();
    const contents = await openAdapter(files, file.model.shape, signal);
    if (contents.kind === "lora") loraFor(file.model, contents, { merging: true });
    return previewOf(contents, file.model.shape, gate);
  }

  /**
   * Loads an adapter; one of the same name makes way for it. No request may run meanwhile. Throws `bad_request` where the backend takes
   * none, `bad_file` where it does not fit the model, `out_of_memory`, and what reading throws.
   */
  async add({ id, files, gate }: NewAdapter, signal?: AbortSignal): Promise<AdapterInfo> {
    const rack = this.needRack();
    const file = this.needGguf();
    const contents = await openAdapter(files, file.model.shape, signal);
    const adapter = await this.adapterOf(contents, file, gate, signal);
    const name = id ?? nameOf(files);
    const number = await rack.add(adapter);
    this.remove(name);
    const info = { id: name, ...previewOf(contents, file.model.shape, gate) };
    this.loaded.set(name, { info, number });
    return info;
  }

  /** Takes an adapter out of memory. An unknown name is no error. No request may run meanwhile. */
  remove(id: string): void {
    const found = this.loaded.get(id);
    this.loaded.delete(id);
    if (found) this.rack?.remove(found.number);
  }

  /** What the backend is told of the adapters a request wants. Throws `bad_request` for names that are not loaded. */
  applied(uses: readonly AdapterUse[]): Applied[] {
    return uses.map(({ id, scale }) => {
      const found = this.loaded.get(id);
      if (found) return { adapter: found.number, scale: scale ?? 1 };
      const known = [...this.loaded.keys()].map((name) => `"${name}"`).join(", ");
      throw badRequest(`There is no adapter "${id}"; loaded are: ${known || "none"}.`);
    });
  }

  /** From the next request on, these and no others. Throws as `applied`. */
  use(uses: readonly AdapterUse[]): void {
    const applied = this.applied(uses);
    this.rack?.use(applied);
  }

  private async adapterOf(
    contents: AdapterContents,
    file: ModelFile,
    gate: GateReading | null,
    signal?: AbortSignal,
  ): Promise<Adapter> {
    if (contents.kind === "lora") return loraFor(file.model, contents);
    const { source, model } = file;
    const prompts = contents.kind === "prompt" ? contents : promptsOfTuned(contents.prompts, file);
    return promptsFor(prompts, { source, model, gate: gate ?? prompts.gate, signal, breathe: () => this.host.breathe() });
  }

  private needRack(): AdapterRack {
    if (this.rack) return this.rack;
    throw new EngineError(
      "bad_request",
      "This backend takes no adapters.",
      "Load the model on another backend, or merge the adapter into the model.",
    );
  }

  private needGguf(): ModelFile {
    if (isGguf(this.file)) return this.file;
    throw new EngineError("bad_request", "This model is an ONNX graph, which takes no adapters.", "Load it as a GGUF file.");
  }
}

/** Scales and biases have to be in the weights before the prompts beside them make sense. */
function promptsOfTuned(prompts: PromptContents | null, { gguf }: ModelFile): PromptContents {
  const isTuned = gguf.tensors.has("blk.0.attn_q.bias");
  if (prompts && isTuned) return prompts;
  const rest = prompts ? "; its prompts go beside the merged model" : "";
  throw unfit(`it has a scale and a bias for every weight, which have to be merged into the model${rest}`);
}

/** "my-lora" of "my-lora.gguf". */
function nameOf(files: readonly ByteSource[]): string {
  const weights = files.find(({ name }) => !/\.json$/.test(name)) ?? files[0];
  return weights?.name.replace(/\.[^.]+$/, "") ?? "adapter";
}
