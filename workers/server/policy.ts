// The service worker's part in a server of one's own: its worker gets a policy that lets it reach the one origin the person named, or none.
import { recall, remember } from "../store/facts.ts";
import type { ServerAllowed } from "./talk.ts";

const FACT = "own server's origin";
/** The worker's program, as the build names it. */
const PROGRAM = /\/assets\/server\.worker-[^/]+\.js$/;

/** Takes a page's message, if it is this one. */
export async function allowServer({ data, ports }: ExtendableMessageEvent): Promise<void> {
  if (!isServerAllowed(data)) return;
  await remember(FACT, data.origin);
  ports[0]?.postMessage(null);
}

/** The response, with a policy where it is the worker's program. */
export async function withServerPolicy(url: string, answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  if (!PROGRAM.test(new URL(url).pathname)) return response;
  const origin = await recall(FACT);
  const headers = new Headers(response.headers);
  const reach = typeof origin === "string" ? origin : "'none'";
  headers.set("Content-Security-Policy", `default-src 'none'; script-src 'self'; connect-src ${reach}`);
  return new Response(response.body, { status: response.status, headers });
}

function isServerAllowed(data: unknown): data is ServerAllowed {
  if (typeof data !== "object" || data === null || !("type" in data) || data.type !== "own server" || !("origin" in data))
    return false;
  return data.origin === null || (typeof data.origin === "string" && /^https?:\/\/[^\s;,/]+$/.test(data.origin));
}
