// Conversations in IndexedDB, a database of their own: one record a conversation, one a message. Every write goes through at once.
// Source: idb-keyval has one object store a database, so what must stay together is written with one `setMany`.
import { clear, createStore, delMany, entries, get, getMany, keys, set, setMany, type UseStore } from "idb-keyval";
import type { Conversation, Message } from "./conversation.ts";
import { readConversation, readMessage, type Archive } from "./transfer.ts";

let opened: UseStore | undefined;

/** Every conversation, newest first. Rejects where the browser keeps nothing (some private modes). */
export async function listConversations(): Promise<Conversation[]> {
  const wanted = (await keys<string>(store())).filter((key) => key.startsWith("conversation/"));
  const found = await getMany<unknown>(wanted, store());
  return found.flatMap((value) => readConversation(value) ?? []).sort((a, b) => b.updatedAt - a.updatedAt);
}

/** One conversation with all its branches; null if it is gone. */
export async function readArchive(id: string): Promise<Archive | null> {
  const conversation = readConversation(await get<unknown>(`conversation/${id}`, store()));
  if (!conversation) return null;
  const found = await getMany<unknown>(await messageKeys(id), store());
  return { conversation, messages: found.flatMap((value) => readMessage(value) ?? []) };
}

/** Everything, newest conversation first: for search and for export. */
export async function readEverything(): Promise<Archive[]> {
  const archives = new Map<string, { conversation: Conversation; messages: Message[] }>();
  const all = await entries<string, unknown>(store());
  for (const [key, value] of all) {
    const conversation = key.startsWith("conversation/") ? readConversation(value) : null;
    if (conversation) archives.set(conversation.id, { conversation, messages: [] });
  }
  for (const [key, value] of all) {
    const message = key.startsWith("message/") ? readMessage(value) : null;
    if (message) archives.get(key.split("/")[1])?.messages.push(message);
  }
  return [...archives.values()].sort((a, b) => b.conversation.updatedAt - a.conversation.updatedAt);
}

/** Writes a conversation and some of its messages, all or nothing. What else is stored of it stays. */
export function write(conversation: Conversation, messages: readonly Message[]): Promise<void> {
  const records = messages.map((message): [string, unknown] => [`message/${conversation.id}/${message.id}`, message]);
  return setMany([[`conversation/${conversation.id}`, conversation], ...records], store());
}

/** Writes one message of a conversation. */
export function writeMessage(conversation: string, message: Message): Promise<void> {
  return set(`message/${conversation}/${message.id}`, message, store());
}

/** Takes one message out, leaving the rest. */
export function removeMessage(conversation: string, message: string): Promise<void> {
  return delMany([`message/${conversation}/${message}`], store());
}

/** Takes a conversation out with all its messages. */
export async function removeConversation(id: string): Promise<void> {
  await delMany([`conversation/${id}`, ...(await messageKeys(id))], store());
}

/** Takes everything out. */
export function removeEverything(): Promise<void> {
  return clear(store());
}

async function messageKeys(conversation: string): Promise<string[]> {
  return (await keys<string>(store())).filter((key) => key.startsWith(`message/${conversation}/`));
}

function store(): UseStore {
  return (opened ??= createStore("cria-conversations", "records"));
}
