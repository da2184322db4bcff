// Everything the page shows, put together once.
import { EngineError } from "../../workers/engine/base/errors.ts";
import { removeAdapters } from "../lib/adapters.ts";
import type { Conversation } from "../lib/conversation.ts";
import { toMarkdown, pathTo } from "../lib/conversation.ts";
import { removeEvaluations } from "../lib/evaluations.ts";
import { pickFiles, pickFolder, saveFile } from "../lib/files.ts";
import type { Remedy } from "../lib/remedies.ts";
import { writeArchives } from "../lib/transfer.ts";
import { askToPersist, removeServiceWorker } from "../lib/service-worker.ts";
import { openServer } from "../../workers/client/server.ts";
import type { ModelDetails } from "../../workers/engine/base/details.ts";
import { Adapters } from "./adapters.svelte.ts";
import { Advisor } from "./advisor.svelte.ts";
import { Chat } from "./chat.svelte.ts";
import { Conversion } from "./conversion.svelte.ts";
import { Conversations, type Channel } from "./conversations.svelte.ts";
import type { Demonstration } from "./demonstration.svelte.ts";
import type { Engine } from "./engine.ts";
import type { Evaluation } from "./evaluation.svelte.ts";
import { Model, type Choice } from "./model.svelte.ts";
import { Notices } from "./notices.svelte.ts";
import { OwnServer, type OpenServer } from "./own-server.svelte.ts";
import { Route } from "./route.svelte.ts";
import { Shelf } from "./shelf.svelte.ts";
import { Settings, type PreferenceStore } from "./settings.svelte.ts";

/** Which conversation a reload of this tab comes back to. */
const OPEN_KEY = "cria-open-conversation";

export class App {
  readonly settings: Settings;
  readonly model: Model;
  readonly conversations: Conversations;
  readonly chat: Chat;
  readonly advisor: Advisor;
  readonly shelf: Shelf;
  readonly server: OwnServer;
  readonly conversion: Conversion;
  readonly adapters: Adapters;
  readonly notices = new Notices();
  readonly route = new Route();
  /** Made when it is first looked at: few people evaluate. */
  evaluation: Evaluation | null = null;

  /** True until the person has typed or tapped anything. */
  untouched = true;

  constructor(
    private readonly engine: Engine,
    preferences: PreferenceStore | null,
    channel: Channel | null,
    private readonly session: PreferenceStore | null,
    reachServer: OpenServer = openServer,
  ) {
    this.settings = new Settings(preferences);
    this.model = new Model(engine, this.settings);
    this.advisor = new Advisor(engine, this.model);
    this.shelf = new Shelf(engine, this.model);
    this.conversion = new Conversion(this.shelf);
    this.adapters = new Adapters(engine, this.model, this.conversion);
    this.conversations = new Conversations(channel);
    this.server = new OwnServer(reachServer, preferences);
    this.chat = new Chat(this.model, this.settings, this.conversations, this.adapters, this.server);
    this.conversations.onForeignChange = (id) => {
      if (id === null || id === this.chat.conversation?.id) void this.chat.reread();
    };
  }

  /** True while nothing is answered, loaded or downloaded. */
  get idle(): boolean {
    return this.chat.answering === null && this.model.phase !== "loading" && this.model.phase !== "starting";
  }

  /** What shows the engine at work before anything is downloaded. Its code comes when it is asked for. */
  async demonstrate(): Promise<Demonstration> {
    const { Demonstration } = await import("./demonstration.svelte.ts");
    return new Demonstration(this.engine);
  }

  /** Downloads what is missing of the chosen model and loads it; asks the browser to keep it even when the disk runs full. */
  async download(): Promise<void> {
    await Promise.all([askToPersist().catch(() => false), this.model.load()]);
  }

  /** Another model, or the same one again. An answer that is being written ends where it is. */
  async choose(choice: Choice): Promise<void> {
    this.chat.stop();
    await this.model.choose(choice);
  }

  /** Files that were dropped, picked or opened with the app: conversations are imported, everything else is tried as a model. */
  async open(files: readonly File[]): Promise<void> {
    // Beside an ONNX graph, JSON files are part of the model.
    const graph = files.some((file) => file.name.endsWith(".onnx"));
    if (!graph && files.some(({ name }) => /\.(safetensors|pth?|bin)$/.test(name))) {
      this.route.open("models");
      await this.conversion.take(files);
      return;
    }
    const isArchive = (file: File): boolean => !graph && file.name.endsWith(".json");
    for (const file of files.filter(isArchive)) await this.importFile(file);
    const parts = files.filter((file) => !isArchive(file));
    if (parts.length > 0) await this.choose(parts);
  }

  /** Lets the person pick a model from the disk: one file, or all files of a split one. */
  async pick(): Promise<void> {
    const files = await pickFiles(".gguf", true);
    if (files.length === 0) return;
    this.route.close();
    await this.choose(files);
  }

  /** Lets the person pick the folder of a model, as repositories of ONNX models are. */
  async pickFolder(): Promise<void> {
    const files = await pickFolder();
    if (files.length === 0) return;
    this.route.close();
    await this.open(files);
  }

  /** Lets the person pick a model from the disk to be copied into the store: one file, or all files of a split one. */
  async keep(): Promise<void> {
    const files = await pickFiles(".gguf", true);
    if (files.length > 0) await this.shelf.keep(files);
  }

  /** All that a model's header says. */
  inspect(id: string): Promise<ModelDetails> {
    return this.engine.inspect(id);
  }

  /** Asks the browser to keep everything also when the disk runs full. */
  async persist(): Promise<void> {
    const kept = await askToPersist().catch(() => false);
    this.notices.say(
      kept ? "The browser will keep everything." : "The browser did not promise it. Installing the app often helps.",
    );
    await this.shelf.refresh();
  }

  /** Does what a button under a failure promises. */
  async remedy(what: Remedy): Promise<void> {
    const { chat, model } = this;
    const unanswered = chat.error !== null && !chat.lastAnswered;
    switch (what) {
      case "retry":
        return chat.error ? chat.retry() : model.retry();
      case "reload_model":
        await model.retry();
        return unanswered && model.phase === "ready" ? chat.retry() : undefined;
      case "use_wasm":
        this.settings.set({ backend: "wasm" });
        return this.remedy("reload_model");
      case "drop_oldest":
        await chat.dropOldest();
        return unanswered ? chat.retry() : undefined;
      case "open_file":
        return this.pick();
      case "choose_model":
      case "free_space":
        return this.route.open("models");
      case "settings":
        return this.route.open("settings");
      case "reload_page":
        return location.reload();
    }
  }

  /** Shows what is stored, then looks for the model. */
  async start(): Promise<void> {
    const open = this.session?.getItem(OPEN_KEY); // at once: the page writes it as soon as it is drawn
    await this.conversations.refresh();
    if (open) await this.chat.open(open);
    await this.model.start();
  }

  /** Takes over what other tabs did while this one was away. */
  async wake(): Promise<void> {
    this.settings.reread();
    await this.conversations.refresh();
    await this.chat.reread();
  }

  /** Remembers, for a reload, what is on the screen. */
  remember(conversation: Conversation | null): void {
    if (conversation) this.session?.setItem(OPEN_KEY, conversation.id);
    else this.session?.removeItem(OPEN_KEY);
  }

  async openConversation(id: string): Promise<void> {
    if (id === this.chat.conversation?.id) return;
    if (!(await this.chat.open(id))) this.notices.say("This conversation was deleted in another tab.");
    await this.conversations.refresh();
  }

  async rename(id: string, title: string): Promise<void> {
    await this.conversations.rename(id, title);
    if (this.chat.conversation?.id === id) await this.chat.reread();
  }

  /** Deletes a conversation; the notice can bring it back. */
  async deleteConversation(conversation: Conversation): Promise<void> {
    if (this.chat.conversation?.id === conversation.id) this.chat.startNew();
    const archive = await this.conversations.remove(conversation.id);
    await this.engine.forgetReadings(conversation.id).catch(() => undefined); // what can't be stored isn't there either
    const undo = archive && { label: "Undo", run: () => void this.conversations.restore(archive) };
    this.notices.say(`Deleted “${conversation.title}”.`, undo);
  }

  async exportConversation(id: string, format: "markdown" | "json"): Promise<void> {
    const archive = await this.conversations.open(id);
    if (!archive) return;
    const { conversation, messages } = archive;
    if (format === "json") saveFile(`${conversation.title}.json`, "application/json", writeArchives([archive]));
    else saveFile(`${conversation.title}.md`, "text/markdown", toMarkdown(conversation, pathTo(messages, conversation.head)));
  }

  async exportEverything(): Promise<void> {
    saveFile("cria-conversations.json", "application/json", writeArchives(await this.conversations.everything()));
  }

  async importFile(file: File): Promise<void> {
    this.route.close(); // a panel would cover the notice
    try {
      const count = await this.conversations.import(await file.text());
      this.notices.say(count === 1 ? "Imported one conversation." : `Imported ${count} conversations.`);
    } catch (error) {
      const { message, hint } = EngineError.record(error);
      this.notices.say(`${message} ${hint}`);
    }
  }

  /** Conversations, settings, models, caches: nothing of Cria stays in this browser. */
  async deleteEverything(): Promise<void> {
    this.chat.startNew();
    await this.model.removeEverything();
    await this.conversations.removeEverything();
    this.evaluation?.pause();
    await removeEvaluations();
    await removeAdapters();
    this.settings.forget();
    await this.server.forget();
    this.session?.removeItem(OPEN_KEY);
    for (const name of (await globalThis.caches?.keys()) ?? []) await caches.delete(name);
    await removeServiceWorker();
  }
}
