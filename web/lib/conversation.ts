// A conversation as data: a tree of messages of which one path is shown. Nothing said is ever overwritten: asking again adds a
// branch, so two tabs that write at once only add to each other.
import type { StopType } from "../../workers/engine/base/openai.ts";

export interface Conversation {
  readonly id: string;
  readonly title: string;
  /** Milliseconds since 1970, like every time here. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The last message of the path that is shown; null while nothing was said. */
  readonly head: string | null;
  /** The first message the model is still given; null for all. */
  readonly seenFrom: string | null;
}

export interface Message {
  readonly id: string;
  /** The message it follows; null for the first. */
  readonly parent: string | null;
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly at: number;
  /** How an answer came about; null for a question. */
  readonly answer: Answer | null;
}

export interface Answer {
  readonly model: string;
  readonly backend: string;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /** Positions of the context taken when it ended. */
  readonly contextTokens: number;
  readonly seed: number;
  /** Null while it is being written, and for ever if the tab died meanwhile. */
  readonly stop: StopType | null;
}

/** The messages from the first to `head`. A head that is not there, or a broken chain, gives what can be had. */
export function pathTo(messages: readonly Message[], head: string | null): Message[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const path: Message[] = [];
  for (let id = head; id !== null && byId.has(id);) {
    const message = byId.get(id)!;
    byId.delete(id); // a file from elsewhere may hold a ring
    path.unshift(message);
    id = message.parent;
  }
  return path;
}

/** The alternatives to a message, itself among them, oldest first. */
export function siblings(messages: readonly Message[], message: Message): Message[] {
  return messages
    .filter((other) => other.parent === message.parent && other.role === message.role)
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** The newest message below `message` along its newest branches: where switching to it leads. */
export function newestLeaf(messages: readonly Message[], message: Message): Message {
  let leaf = message;
  for (const seen = new Set([leaf.id]); ; seen.add(leaf.id)) {
    const next = messages.filter((other) => other.parent === leaf.id && !seen.has(other.id)).sort((a, b) => b.at - a.at)[0];
    if (!next) return leaf;
    leaf = next;
  }
}

/** The time to write on a new message: now, but after every message there is, so that branches keep their order. */
export function timeAfter(messages: readonly Message[]): number {
  return messages.reduce((time, { at }) => Math.max(time, at + 1), Date.now());
}

/** Both lists as one, each message once. Of two versions of a message the longer text is the later one. */
export function union(stored: readonly Message[], held: readonly Message[]): Message[] {
  const merged = new Map(stored.map((message) => [message.id, message]));
  for (const message of held) {
    const other = merged.get(message.id);
    if (!other || message.text.length >= other.text.length) merged.set(message.id, message);
  }
  return [...merged.values()];
}

/** What a first question is called in the list: its first line, 60 characters of it. */
export function titleOf(question: string): string {
  const line = question.trim().split("\n", 1)[0].replace(/\s+/g, " ").replace(/^#+ /, "");
  if (line.length <= 60) return line || "Untitled";
  return `${line.slice(0, 60).replace(/\s+\S*$/, "")}…`;
}

/** The path as a Markdown document. */
export function toMarkdown(conversation: Conversation, path: readonly Message[]): string {
  const turns = path.map((message) => `## ${message.role === "user" ? "You" : "Cria"}\n\n${message.text.trim()}\n`);
  return [`# ${conversation.title}\n`, ...turns].join("\n");
}
