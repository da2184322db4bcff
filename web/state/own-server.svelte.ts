// A server of the person's own that answers instead of this device: off until they turn it on, and the page says so while it is.
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { ChatCompletionChunk, ChatMessage, ChatRequest } from "../../workers/engine/base/openai.ts";
import type { Server, ServerAccess } from "../../workers/client/server.ts";
import { hostOf, serverBase } from "../lib/server-address.ts";
import type { PreferenceStore, Settings } from "./settings.svelte.ts";

/** How a server is reached; a test puts a double in its place. */
export type OpenServer = (access: ServerAccess) => Promise<Server>;

const KEY = "cria-own-server";

interface Kept {
  readonly on: boolean;
  readonly address: string;
  /** Empty for none. It stays in this browser and goes to that server alone. */
  readonly key: string;
  readonly model: string;
}

const NONE: Kept = { on: false, address: "", key: "", model: "" };

export class OwnServer {
  kept = $state.raw<Kept>(NONE);
  /** What it offers, once it was asked. */
  models = $state.raw<readonly string[]>([]);
  connecting = $state(false);
  error = $state.raw<ErrorRecord | null>(null);
  /** Answers come from it. */
  readonly on = $derived(this.kept.on);
  /** "localhost:8080", for people. */
  readonly host = $derived(hostOf(this.kept.address));
  #server: Promise<Server> | null = null;

  constructor(
    private readonly open: OpenServer,
    private readonly store: PreferenceStore | null,
  ) {
    this.kept = read(store);
  }

  /** Asks a server what it offers, and has it answer from now on. What goes wrong is in `error`, and nothing changes then. */
  async turnOn(address: string, key: string): Promise<void> {
    this.connecting = true;
    this.error = null;
    try {
      const access = { address: serverBase(address), key: key.trim() };
      await this.#close();
      const server = (this.#server = this.#reach(access));
      this.models = await (await server).models();
      const [first] = this.models;
      if (first === undefined) throw new EngineError("not_found", "The server offers no model.", "Load one there first.");
      const model = this.models.includes(this.kept.model) ? this.kept.model : first;
      this.#keep({ ...access, model, on: true });
    } catch (error) {
      this.error = EngineError.record(error);
      await this.#close();
      this.#keep({ ...this.kept, on: false });
    } finally {
      this.connecting = false;
    }
  }

  /** This device answers again, and the server can't be reached any more. Address and key stay. */
  async turnOff(): Promise<void> {
    this.#keep({ ...this.kept, on: false });
    this.models = [];
    this.error = null;
    await this.#close();
  }

  choose(model: string): void {
    this.#keep({ ...this.kept, model });
  }

  /** Asks again what it offers, as after a reload. */
  async refresh(): Promise<void> {
    if (this.on && this.models.length === 0) await this.turnOn(this.kept.address, this.kept.key);
  }

  /** Has the server answer. What the person set is sent; what suits the model in this device is not. */
  async answer(
    messages: readonly ChatMessage[],
    settings: Settings,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ChatCompletionChunk>> {
    const { system, temperature, topP, maxTokens, seed } = settings.values;
    const request: ChatRequest = {
      model: this.kept.model,
      messages: system?.trim() ? [{ role: "system", content: system.trim() }, ...messages] : messages,
      ...(temperature !== null && { temperature }),
      ...(topP !== null && { top_p: topP }),
      ...(maxTokens !== null && { max_tokens: maxTokens }),
      ...(seed !== null && { seed }),
    };
    const server = await (this.#server ??= this.#reach(this.kept));
    return server.chat(request, signal);
  }

  /** Forgets address and key. */
  async forget(): Promise<void> {
    await this.turnOff();
    this.kept = NONE;
    this.store?.removeItem(KEY);
  }

  #reach({ address, key }: Pick<Kept, "address" | "key">): Promise<Server> {
    const opening = this.open({ base: address, key: key || null });
    opening.catch(() => (this.#server = null)); // the next question tries again
    return opening;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await server?.then((open) => open.close()).catch(() => undefined); // one that never opened needs no closing
  }

  #keep(kept: Kept): void {
    this.kept = kept;
    try {
      this.store?.setItem(KEY, JSON.stringify(kept));
    } catch {
      // a full or forbidden store: it holds for this visit
    }
  }
}

function read(store: PreferenceStore | null): Kept {
  try {
    const stored: unknown = JSON.parse(store?.getItem(KEY) ?? "null");
    if (typeof stored !== "object" || stored === null) return NONE;
    const fields: Record<string, unknown> = { ...stored };
    const text = (name: string): string => (typeof fields[name] === "string" ? fields[name] : "");
    return {
      on: fields["on"] === true && text("address") !== "",
      address: text("address"),
      key: text("key"),
      model: text("model"),
    };
  } catch {
    return NONE;
  }
}
