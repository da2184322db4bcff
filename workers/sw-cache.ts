// What the service worker keeps of the app so that it opens without a network, and how a new version replaces an old one.
import type { Precache } from "./precache.ts";

/** Files whose names change with their content: those of several versions lie here side by side. */
const HASHED = "cria-assets";
const NAMED = "cria-shell-";
/** Path of a note in a version's cache: ids of the tabs that showed an older version when this one took over. */
const OLD_TABS = ".old-tabs";

/** What makes a page cross-origin isolated, and its files allowed in one. */
const ISOLATION: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/** The widget's frame, in a page that is not isolated itself. */
const FRAME = "embed.html";
const FRAME_ISOLATION: Readonly<Record<string, string>> = {
  ...ISOLATION,
  "Document-Isolation-Policy": "isolate-and-require-corp",
};

/** Fetches what this version needs and no earlier one has. Fails where one file fails: then the version is not installed. */
export async function cacheApp(precache: Precache, scope: string): Promise<void> {
  const hashed = await caches.open(HASHED);
  const have = new Set((await hashed.keys()).map((request) => request.url));
  const missing = precache.hashed.map((path) => new URL(path, scope).href).filter((url) => !have.has(url));
  const named = await caches.open(NAMED + precache.version);
  await Promise.all([
    ...missing.map((url) => fetchInto(hashed, url, "default")),
    ...precache.named.map((path) => fetchInto(named, new URL(path, scope).href, "reload")),
  ]);
}

/** Notes which tabs still show the version before, and tidies up if none does. */
export async function takeOver(precache: Precache, scope: string, clients: Clients): Promise<void> {
  const tabs = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const versions = (await caches.keys()).filter((name) => name.startsWith(NAMED));
  const oldTabs = versions.length > 1 ? tabs.map((tab) => tab.id) : [];
  const cache = await caches.open(NAMED + precache.version);
  await cache.put(new URL(OLD_TABS, scope), new Response(JSON.stringify(oldTabs)));
  await clients.claim();
  await tidyUp(precache, scope, clients);
}

/** Drops the files of older versions once no tab shows one. */
export async function tidyUp(precache: Precache, scope: string, clients: Clients): Promise<void> {
  const current = NAMED + precache.version;
  const note = await (await caches.open(current)).match(new URL(OLD_TABS, scope));
  const ids: unknown = note ? await note.json() : [];
  const open = await Promise.all(Array.isArray(ids) ? ids.map((id) => clients.get(String(id))) : []);
  if (open.some((client) => client !== undefined)) return;
  const outdated = (await caches.keys()).filter((name) => name.startsWith(NAMED) && name !== current);
  if (outdated.length === 0) return;
  await Promise.all(outdated.map((name) => caches.delete(name)));
  const wanted = new Set([...precache.hashed, ...precache.onDemand].map((path) => new URL(path, scope).href));
  const hashed = await caches.open(HASHED);
  const left = (await hashed.keys()).filter((request) => !wanted.has(request.url));
  await Promise.all(left.map((request) => hashed.delete(request)));
}

/** Answers a request for a file of the app; null for anything else, which then goes to the network as if we were not there. */
export function answerFromApp(request: Request, precache: Precache, scope: string): Promise<Response> | null {
  const url = new URL(request.url);
  if (request.method !== "GET" || !url.href.startsWith(scope) || request.headers.has("Range")) return null;
  const path = url.pathname.slice(new URL(scope).pathname.length);
  if (path.startsWith("assets/")) return fromKept(HASHED, url.href);
  const name = path === "" ? "index.html" : path;
  if (precache.named.includes(name)) return fromNamed(precache, new URL(name, scope).href);
  if (precache.onDemand.includes(name)) return fromKept(NAMED + precache.version, url.href);
  return request.mode === "navigate" ? fetch(request).then(isolate) : null;
}

/** From a cache, and into it where it is not there yet. */
async function fromKept(name: string, url: string): Promise<Response> {
  const cache = await caches.open(name);
  const kept = await cache.match(url);
  if (kept) return isolate(kept);
  const response = await fetch(url);
  // A full disk is no reason not to answer.
  if (response.ok) await cache.put(url, response.clone()).catch(() => undefined);
  return isolate(response);
}

async function fromNamed(precache: Precache, url: string): Promise<Response> {
  const kept = await (await caches.open(NAMED + precache.version)).match(url);
  return isolate(kept ?? (await fetch(url)), url.endsWith(`/${FRAME}`) ? FRAME_ISOLATION : ISOLATION);
}

async function fetchInto(cache: Cache, url: string, mode: RequestCache): Promise<void> {
  const response = await fetch(url, { cache: mode });
  if (!response.ok) throw new Error(`${url}: HTTP ${String(response.status)}`);
  // Rebuilt: hosts redirect index.html to its folder, and a page may not be answered with a redirected response.
  await cache.put(url, new Response(response.body, { headers: response.headers }));
}

/** Adds the isolation headers where the host sent none. */
function isolate(response: Response, isolation = ISOLATION): Response {
  if (response.type === "opaqueredirect" || response.status === 0 || response.headers.has("Cross-Origin-Embedder-Policy"))
    return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(isolation)) headers.set(name, value);
  const empty = response.status === 204 || response.status === 304;
  return new Response(empty ? null : response.body, { status: response.status, statusText: response.statusText, headers });
}
