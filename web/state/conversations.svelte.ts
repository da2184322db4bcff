// The list of conversations: kept in IndexedDB, shared between tabs, searched, renamed, deleted and brought back.
import { union, type Conversation, type Message } from "../lib/conversation.ts";
import * as db from "../lib/db.ts";
import { readArchives, type Archive } from "../lib/transfer.ts";

/** How tabs tell each other what changed: BroadcastChannel, or nothing. */
export type Channel = Pick<BroadcastChannel, "postMessage" | "addEventListener">;

/** A conversation that holds what was looked for. */
export interface Hit {
  readonly conversation: Conversation;
  /** Some words around the place; "" where it is in the title. */
  readonly excerpt: string;
}

export class Conversations {
  list = $state.raw<readonly Conversation[]>([]);
  /** False where the browser keeps nothing: then conversations last as long as the tab. */
  kept = $state(true);
  /** Called with the id of what another tab changed, null for everything. */
  onForeignChange: (id: string | null) => void = () => {};

  // never shown, so it need not be reactive
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #removed = new Set<string>();

  constructor(private readonly channel: Channel | null) {
    channel?.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      void this.refresh().then(() => this.onForeignChange(typeof data === "string" ? data : null));
    });
  }

  async refresh(): Promise<void> {
    try {
      this.list = await db.listConversations();
    } catch {
      this.kept = false;
    }
  }

  /** Reads one conversation with its branches; null if it is gone. */
  async open(id: string): Promise<Archive | null> {
    return this.kept ? db.readArchive(id) : null;
  }

  /** Writes through: the conversation, and the messages that changed. `quietly` leaves the other tabs alone. */
  async save(conversation: Conversation, messages: readonly Message[], quietly = false): Promise<void> {
    if (this.#removed.has(conversation.id)) return; // an answer that was still being written when its conversation was deleted
    this.list = [conversation, ...this.list.filter((other) => other.id !== conversation.id)].sort(
      (a, b) => b.updatedAt - a.updatedAt,
    );
    if (!this.kept) return;
    try {
      await db.write(conversation, messages);
      if (!quietly) this.channel?.postMessage(conversation.id);
    } catch {
      this.kept = false; // said once, above the list; what is on the screen stays
    }
  }

  /** Writes one message of a stored conversation: an answer that grows. */
  async saveMessage(conversation: string, message: Message): Promise<void> {
    if (this.kept && !this.#removed.has(conversation))
      await db.writeMessage(conversation, message).catch(() => (this.kept = false));
  }

  /** Takes one unwanted message out: an answer that failed before its first word. */
  async dropMessage(conversation: string, message: string): Promise<void> {
    if (this.kept) await db.removeMessage(conversation, message);
  }

  async rename(id: string, title: string): Promise<void> {
    const archive = await this.open(id);
    const conversation = archive?.conversation ?? this.list.find((other) => other.id === id);
    if (conversation && title.trim()) await this.save({ ...conversation, title: title.trim().slice(0, 200) }, []);
  }

  /** Deletes a conversation and gives what `restore` needs to bring it back. */
  async remove(id: string): Promise<Archive | null> {
    this.#removed.add(id);
    const archive = await this.open(id);
    this.list = this.list.filter((other) => other.id !== id);
    if (this.kept) await db.removeConversation(id);
    this.channel?.postMessage(id);
    return archive;
  }

  async restore(archive: Archive): Promise<void> {
    this.#removed.delete(archive.conversation.id);
    await this.save(archive.conversation, archive.messages);
  }

  /** Conversations with all the words of `query` in a title or a message, newest first. */
  async search(query: string): Promise<Hit[]> {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const holds = (text: string): boolean => words.every((word) => text.toLowerCase().includes(word));
    return (await db.readEverything()).flatMap(({ conversation, messages }) => {
      if (holds(conversation.title)) return [{ conversation, excerpt: "" }];
      const message = messages.find(({ text }) => holds(text));
      return message ? [{ conversation, excerpt: excerpt(message.text, words[0]) }] : [];
    });
  }

  everything(): Promise<Archive[]> {
    return db.readEverything();
  }

  /** Adds the conversations of an exported file to what is here. Throws `bad_file`. Gives their number. */
  async import(text: string): Promise<number> {
    const archives = readArchives(text);
    for (const archive of archives) {
      this.#removed.delete(archive.conversation.id);
      const here = await this.open(archive.conversation.id);
      await this.save(archive.conversation, union(here?.messages ?? [], archive.messages), true);
    }
    this.channel?.postMessage(null);
    return archives.length;
  }

  async removeEverything(): Promise<void> {
    for (const { id } of this.list) this.#removed.add(id);
    this.list = [];
    if (this.kept) await db.removeEverything();
    this.channel?.postMessage(null);
  }
}

function excerpt(text: string, word: string): string {
  const at = text.toLowerCase().indexOf(word);
  const from = Math.max(0, at - 30);
  return `${from > 0 ? "…" : ""}${text
    .slice(from, at + 70)
    .replace(/\s+/g, " ")
    .trim()}${at + 70 < text.length ? "…" : ""}`;
}
