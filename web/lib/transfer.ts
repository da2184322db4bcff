// Conversations as a JSON file, out and in. A file from elsewhere is checked field by field before anything is believed.
import { EngineError } from "../../workers/engine/base/errors.ts";
import type { Answer, Conversation, Message } from "./conversation.ts";

/** One conversation with all its branches. */
export interface Archive {
  readonly conversation: Conversation;
  readonly messages: readonly Message[];
}

const FORMAT = "cria-conversations";
const STOPS = ["eos", "word", "limit", "context_full", "stopped"] as const;

/** The text of a JSON file that `readArchives` reads back. */
export function writeArchives(archives: readonly Archive[]): string {
  return JSON.stringify({ format: FORMAT, version: 1, conversations: archives }, null, 2);
}

/** The conversations of a JSON file. Throws `bad_file` naming the first thing that is wrong. */
export function readArchives(text: string): Archive[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("it is not JSON");
  }
  if (!isRecord(value) || value.format !== FORMAT) throw refuse(`it has no "format": "${FORMAT}"`);
  if (value.version !== 1) throw refuse(`its version is ${String(value.version)}, and this Cria reads version 1`);
  if (!Array.isArray(value.conversations)) throw refuse("it holds no list of conversations");
  return value.conversations.map((entry: unknown, index) => {
    const place = `conversation ${index + 1}`;
    if (!isRecord(entry) || !Array.isArray(entry.messages)) throw refuse(`${place} holds no list of messages`);
    const conversation = readConversation(entry.conversation);
    if (!conversation) throw refuse(`${place} is incomplete`);
    return {
      conversation,
      messages: entry.messages.map((message: unknown, number) => {
        const read = readMessage(message);
        if (!read) throw refuse(`message ${number + 1} of ${place} is incomplete`);
        return read;
      }),
    };
  });
}

/** The conversation a stored or imported value stands for; null if it is none. */
export function readConversation(value: unknown): Conversation | null {
  if (!isRecord(value)) return null;
  const { id, title, createdAt, updatedAt, head, seenFrom } = value;
  if (!isId(id) || typeof title !== "string" || !isNumber(createdAt) || !isNumber(updatedAt)) return null;
  return { id, title, createdAt, updatedAt, head: isId(head) ? head : null, seenFrom: isId(seenFrom) ? seenFrom : null };
}

/** The message a stored or imported value stands for; null if it is none. */
export function readMessage(value: unknown): Message | null {
  if (!isRecord(value)) return null;
  const { id, parent, role, text, at } = value;
  if (!isId(id) || (role !== "user" && role !== "assistant") || typeof text !== "string" || !isNumber(at)) return null;
  return {
    id,
    parent: isId(parent) ? parent : null,
    role,
    text,
    at,
    answer: role === "assistant" ? readAnswer(value.answer) : null,
  };
}

function readAnswer(value: unknown): Answer | null {
  if (!isRecord(value) || typeof value.model !== "string" || typeof value.backend !== "string") return null;
  const count = (field: unknown): number => (isNumber(field) && field >= 0 ? field : 0);
  return {
    model: value.model,
    backend: value.backend,
    tokens: count(value.tokens),
    tokensPerSecond: count(value.tokensPerSecond),
    contextTokens: count(value.contextTokens),
    seed: count(value.seed),
    stop: STOPS.find((stop) => stop === value.stop) ?? null,
  };
}

function refuse(why: string): EngineError {
  return new EngineError("bad_file", `This file can't be imported: ${why}.`, "Choose a JSON file that Cria exported.");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 64 && !value.includes("/"); // keys of the store are joined with "/"
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
