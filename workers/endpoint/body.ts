// Reads what clients send: JSON of a bounded size, in the variants of the API that mean the same to a model of text.
import { refused } from "./errors.ts";

/** The longest body that is read: no context has room for a tenth of it. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** A request's body, checked to be an object. Throws a `Refusal`. */
export async function readBody(request: Request): Promise<Record<string, unknown>> {
  const tooLarge = refused(413, `The request is larger than ${MOST_BYTES / 2 ** 20} MiB.`, "request_too_large");
  if (Number(request.headers.get("Content-Length") ?? 0) > MOST_BYTES) throw tooLarge;
  const text = await request.text();
  if (text.length > MOST_BYTES) throw tooLarge;
  const body = parse(text);
  if (!isRecord(body)) throw refused(400, "The body must be a JSON object.", "invalid_json");
  return body;
}

/** Whether a streamed answer ends with a chunk that has the usage. Throws a `Refusal`. */
export function wantsUsage({ stream_options: options, stream }: Readonly<Record<string, unknown>>): boolean {
  if (options === undefined || options === null) return false;
  if (!isRecord(options)) throw refused(400, "stream_options must be an object.", "invalid_type", "stream_options");
  if (stream !== true) throw refused(400, "stream_options needs stream: true.", "invalid_value", "stream_options");
  return options["include_usage"] === true;
}

/** Messages as the engine takes them: parts of text become one text, a developer's message is a system message. */
export function messagesOf(value: unknown): unknown {
  if (!Array.isArray(value)) return value; // the engine says what is wrong with it
  return value.map((message: unknown, index) => {
    if (!isRecord(message)) return message;
    const role = message["role"] === "developer" ? "system" : message["role"];
    return { ...message, role, content: textOf(message["content"], `messages[${index}].content`) };
  });
}

function textOf(content: unknown, where: string): unknown {
  if (!Array.isArray(content)) return content;
  const texts = content.map((part: unknown, index) => {
    if (isRecord(part) && part["type"] === "text" && typeof part["text"] === "string") return part["text"];
    const type = isRecord(part) ? JSON.stringify(part["type"]) : "no object";
    throw refused(400, `${where}[${index}] is ${type}; this model reads text alone.`, "invalid_value", `${where}[${index}]`);
  });
  return texts.join("");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw refused(400, `The body is not JSON: ${why}`, "invalid_json");
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
