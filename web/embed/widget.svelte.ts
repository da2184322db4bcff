// Everything the frame shows, and everything that leads out of it to the page around.
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { CatalogueEntry } from "../../workers/engine/base/wire.ts";
import { allowsModel, type Site } from "../lib/allow-list.ts";
import type { Engine } from "../state/engine.ts";
import { Model } from "../state/model.svelte.ts";
import { Settings } from "../state/settings.svelte.ts";
import { Budget, type CountStore } from "./budget.svelte.ts";
import type { Bringing } from "./bring.ts";
import type { Host } from "./host.ts";
import type { Config, ToFrame, WidgetState } from "./messages.ts";
import { placesOf, siteName, today } from "./places.ts";
import { Talk } from "./talk.svelte.ts";
import { en, type Words } from "./words/en.ts";

/** What the frame needs of the browser; a test puts its own in place. */
export interface Means {
  readonly engine: Engine;
  readonly counts: CountStore | null;
  /** Called once the visitor agrees to a download, and not before. */
  agreed(): void;
  /** Brings a model over from the app's own storage. */
  bring: Bringing;
  /** How the page wants the frame to look and speak: applied outside of this class. */
  dress(config: Config): Promise<Words>;
}

export class Widget {
  config = $state.raw<Config>()!;
  words = $state.raw<Words>(en);
  /** The visitor said no. */
  declined = $state(false);
  /** An address that nobody has asked yet: asking is a download too. */
  unseen = $state<string | null>(null);
  /** Why this widget can't be. */
  refusal = $state.raw<ErrorRecord | null>(null);
  /** What came of bringing a model in: a sentence, or how far it is. */
  bringing = $state.raw<"refused" | "missing" | number | null>(null);
  /** The visitor lets the page read along. */
  shared = $state(false);
  shown = $state(false);
  /** Goes up when the keyboard is to come into the frame. */
  focused = $state(0);
  /** What the visitor has typed and not sent. */
  draft = $state("");

  readonly settings = new Settings(null);
  readonly model: Model;
  readonly talk: Talk;
  readonly budget: Budget;
  /** The page's name, as the visitor knows it: its host. */
  readonly site: string;
  readonly entry = $derived.by((): CatalogueEntry | null => this.model.entry);
  /** Where the chosen model comes from. */
  readonly places = $derived.by(() =>
    placesOf(this.entry, this.unseen ?? (typeof this.model.choice === "string" ? this.model.choice : null)),
  );
  /** Smaller models that this site may use, the largest of them first. */
  readonly smaller = $derived.by(() => {
    const size = this.model.preview?.sizeBytes ?? this.entry?.sizeBytes ?? 0;
    const fitting = this.model.catalogue.filter((entry) => entry.sizeBytes < size * 0.8 && this.#allows(entry));
    return fitting.sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, 2);
  });
  readonly state = $derived.by((): WidgetState => {
    if (this.refusal) return "failed";
    if (this.model.phase === "failed") return "failed";
    if (this.model.phase === "loading") return "loading";
    if (this.model.phase === "choosing" || this.unseen !== null) return this.declined ? "declined" : "asking";
    if (this.model.phase === "starting") return "connecting";
    return this.talk.answering === null ? "ready" : "answering";
  });
  #wanted: string | null = null;

  constructor(
    private readonly host: Host,
    private readonly rule: Site,
    private readonly means: Means,
  ) {
    this.config = host.config;
    this.site = siteName(host.origin);
    this.model = new Model(means.engine, this.settings);
    this.budget = new Budget(means.counts, host.origin, today);
    this.talk = new Talk({
      whenReady: (signal) => this.model.whenReady(signal),
      sampling: () => this.settings.request(),
      system: () => this.config.system || this.settings.system,
      context: () => this.config.context,
      budget: this.budget,
    });
  }

  /** Dresses, listens to the page, and looks for the model. */
  async start(): Promise<void> {
    await this.#configure(this.config);
    this.host.listen(
      (message) => void this.#hear(message),
      () =>
        this.#tellError(
          null,
          new EngineError("bad_request", "A message was none that the widget knows.", "Use cria-chat.js of the same version."),
        ),
    );
    $effect.root(() => {
      $effect(() => this.host.post({ type: "state", state: this.state }));
      $effect(() => {
        if (this.model.info && this.model.phase === "ready") this.#tellReady();
      });
      $effect(() => {
        const error = this.refusal ?? (this.model.phase === "failed" ? this.model.error : null);
        if (error) this.#tellError(null, EngineError.revive(error));
      });
    });
    await this.#choose(this.config.model);
  }

  /** The visitor asks. */
  async ask(question: string): Promise<void> {
    const open = this.shared;
    const before = this.talk.turns.length;
    try {
      const answer = await this.talk.ask(question, { by: "visitor", open });
      if (!open || !this.shared) return; // may have been taken back meanwhile
      this.host.post({ type: "message", id: null, role: "user", text: question, tokens: 0 });
      this.host.post({ type: "message", id: null, role: "assistant", text: answer.text, tokens: answer.tokens });
    } catch (error) {
      // What was asked of a model that never came goes back to the composer.
      if (EngineError.record(error).code === "declined" && this.talk.turns.length <= before) this.draft = question;
    }
  }

  /** The visitor agrees: to look at an address, or to the download. */
  async agree(): Promise<void> {
    this.declined = false;
    this.bringing = null;
    if (this.unseen !== null) {
      const address = this.unseen;
      this.unseen = null;
      return this.model.choose(address);
    }
    this.means.agreed();
    await this.model.load();
  }

  /** The visitor says no. */
  decline(): void {
    this.declined = true;
    this.talk.refuse(
      new EngineError("declined", "The visitor did not want the download.", "Offer a smaller model, or do without."),
    );
  }

  /** Another model instead, whose size and place are shown before anything is downloaded. */
  async chooseInstead(id: string): Promise<void> {
    this.unseen = null;
    this.bringing = null;
    await this.model.choose(id);
  }

  /** Brings the model in from the app's own storage, if the browser grants it and it is there. */
  async bring(): Promise<void> {
    const id = this.entry?.id ?? this.unseen;
    if (id === null || id === undefined) return;
    this.bringing = 0;
    const outcome = await this.means.bring(id, (share) => (this.bringing = share));
    this.bringing = outcome === "brought" ? null : outcome;
    if (outcome !== "brought") return;
    this.unseen = null;
    this.declined = false;
    await this.model.choose(id);
  }

  /** Takes the model out of this browser. */
  async deleteModel(): Promise<void> {
    const id = this.model.info?.id;
    if (id === undefined) return;
    this.talk.reset();
    await this.model.remove(id);
    this.model.cria = null;
    await this.model.choose(id);
  }

  close(): void {
    this.host.post({ type: "close" });
  }

  async #hear(message: ToFrame): Promise<void> {
    switch (message.type) {
      case "configure":
        await this.#configure(message.config);
        if (message.config.model !== this.#wanted) await this.#choose(message.config.model);
        return;
      case "ask":
        return this.#answerPage(message.id, message.text);
      case "stop":
        return this.talk.stop();
      case "reset":
        return this.talk.reset();
      case "shown":
        this.shown = message.shown;
        if (message.focus) this.focused++;
    }
  }

  async #answerPage(id: string, question: string): Promise<void> {
    try {
      if (this.refusal) throw EngineError.revive(this.refusal);
      this.declined = false; // a new question is a new reason to ask
      const onPiece = (text: string): void => this.host.post({ type: "token", id, text });
      this.host.post({ type: "message", id, role: "user", text: question, tokens: 0 });
      const { text, tokens } = await this.talk.ask(question, { by: "page", open: true, onPiece });
      this.host.post({ type: "message", id, role: "assistant", text, tokens });
    } catch (error) {
      this.#tellError(id, error);
    }
  }

  async #configure(config: Config): Promise<void> {
    this.config = config;
    const limits = [config.budget, this.rule.budgetTokens].filter((limit) => limit !== null);
    this.budget.limit = limits.length > 0 ? Math.min(...limits) : null;
    this.settings.set({ theme: config.scheme }); // else the visitor's system decides again with every change
    this.words = await this.means.dress(config);
  }

  /** Looks for a model: one of the catalogue is described without asking anybody, an address waits for the visitor's word. */
  async #choose(wanted: string): Promise<void> {
    this.#wanted = wanted;
    const { engine } = this.means;
    try {
      this.model.catalogue = await engine.catalogue();
      const id = wanted || this.model.catalogue.find((entry) => this.#allows(entry))?.id;
      if (id === undefined) throw new EngineError("not_found", "This deployment has no model for this site.");
      const entry = this.model.catalogue.find((entry) => entry.id === id);
      if (!(entry ? this.#allows(entry) : allowsModel(this.rule, id)))
        throw new EngineError(
          "not_allowed",
          `This deployment does not let ${this.site} use the model ${id}.`,
          "Choose one of its embed.json.",
        );
      this.refusal = null;
      const isHere = entry !== undefined || (await engine.storedModels()).some((model) => model.id === id && model.complete);
      if (this.#wanted !== wanted) return; // the page has changed its mind meanwhile
      this.unseen = isHere ? null : id;
      if (isHere) await this.model.choose(id);
    } catch (error) {
      if (this.#wanted === wanted) this.refusal = EngineError.record(error);
    }
  }

  #allows(entry: CatalogueEntry): boolean {
    return allowsModel(this.rule, entry.id) || entry.urls.some((url) => allowsModel(this.rule, url));
  }

  #tellReady(): void {
    const { name, backend, threads } = this.model.info!;
    this.host.post({ type: "ready", model: name.slice(0, 200), backend, threads });
  }

  #tellError(id: string | null, error: unknown): void {
    const { code, message, hint } = EngineError.record(error);
    this.host.post({ type: "error", id, error: { code, message: message.slice(0, 2_000), hint: hint.slice(0, 2_000) } });
  }
}
