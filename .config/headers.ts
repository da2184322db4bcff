// The headers every page and file of Cria is served with: by the dev and preview servers, and through dist/_headers by static hosts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";
import { frameAncestors, readAllowList, type AllowList } from "../web/lib/allow-list.ts";

const ALLOW_LIST = join(import.meta.dirname, "..", "public", "embed.json");

/** Headers of the paths a pattern names: exact, or everything below where it ends in "*". All rules that match apply. */
export interface HeaderRule {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const CONTENT_SECURITY_POLICY: Readonly<Record<string, string>> = {
  "default-src": "'none'",
  "script-src": "'self' 'wasm-unsafe-eval'",
  "worker-src": "'self' blob:",
  "style-src": "'self'",
  "style-src-attr": "'unsafe-inline'",
  // No other host: a Markdown image in an answer must not tell anybody that it was read.
  "img-src": "'self' data: blob:",
  "font-src": "'self'",
  // People open models from any host.
  "connect-src": "'self' https: http://localhost:* http://127.0.0.1:* blob: data:",
  "manifest-src": "'self'",
  "frame-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
};

/** The app's page itself fetches its own site's files alone: models come through its workers, and a server of one's own through another. */
const PAGES = ["/", "/index.html"];
const PAGE_POLICY = "connect-src 'self'";

/** The widget's inside. Hosts that drop ".html" serve it under both names. */
const FRAMES = ["/embed.html", "/embed"];

/**
 * The one place where headers are decided. Static hosts join what several rules say of one path, and so do we; only the policy may be
 * joined, as browsers enforce every policy of a list.
 */
export const HEADER_RULES: readonly HeaderRule[] = headerRules(readAllowList(JSON.parse(readFileSync(ALLOW_LIST, "utf8"))));

/** The headers of a deployment whose widget the sites of a list may show. */
export function headerRules(sites: AllowList): readonly HeaderRule[] {
  return [
    {
      path: "/*",
      headers: {
        // Together they make the page cross-origin isolated: threads on shared memory.
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        // Nothing here is secret, and other pages import cria.js.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
        "Content-Security-Policy": policy(CONTENT_SECURITY_POLICY),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        // In other people's pages only what says `frame-ancestors`, which takes this one's place.
        "X-Frame-Options": "SAMEORIGIN",
      },
    },
    ...PAGES.map((path) => ({ path, headers: { "Content-Security-Policy": PAGE_POLICY } })),
    ...FRAMES.map((path) => ({
      path,
      headers: {
        "Content-Security-Policy": `frame-ancestors ${frameAncestors(sites)}`,
        // Threads in a page that is not isolated itself: Chromium.
        "Document-Isolation-Policy": "isolate-and-require-corp",
      },
    })),
    // Reaches nothing, until the service worker says which one server the person named.
    { path: "/assets/server.worker-*", headers: { "Content-Security-Policy": "connect-src 'none'" } },
    { path: "/assets/*", headers: { "Cache-Control": "public, max-age=31536000, immutable" } },
    // Under stable names, and a list that has to hold from the moment it is changed.
    ...["/sw.js", "/embed.json"].map((path) => ({ path, headers: { "Cache-Control": "no-cache" } })),
  ];
}

/** The headers of one path, by name. */
export function headersFor(path: string, rules = HEADER_RULES): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const rule of rules) {
    if (rule.path.endsWith("*") ? !path.startsWith(rule.path.slice(0, -1)) : path !== rule.path) continue;
    for (const [name, value] of Object.entries(rule.headers))
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

/** The rules in the format of the `_headers` file that static hosts read. */
export function headersFile(): string {
  return (
    HEADER_RULES.map((rule) =>
      [rule.path, ...Object.entries(rule.headers).map(([name, value]) => `  ${name}: ${value}`)].join("\n"),
    ).join("\n\n") + "\n"
  );
}

/** Sends the headers from the dev and preview servers and writes `_headers` into the build. */
export function productionHeaders(): Plugin {
  return {
    name: "cria:headers",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const headers = headersFor(pathOf(request.url));
        // Vite's dev server reloads over a socket and puts styles into the page.
        const relaxed = {
          ...CONTENT_SECURITY_POLICY,
          "style-src": "'self' 'unsafe-inline'",
          "connect-src": `${CONTENT_SECURITY_POLICY["connect-src"]!} ws:`,
        };
        const [, ...narrower] = headers["Content-Security-Policy"]!.split(", ");
        const policies = narrower.map((policy) => (policy === PAGE_POLICY ? `${policy} ws:` : policy));
        response.setHeaders(
          new Headers({
            ...headers,
            "Content-Security-Policy": [policy(relaxed), ...policies].join(", "),
            "Cache-Control": "no-cache",
          }),
        );
        next();
      });
    },
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        response.setHeaders(new Headers(headersFor(pathOf(request.url))));
        next();
      });
    },
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "_headers", source: headersFile() });
    },
  };
}

function policy(directives: Readonly<Record<string, string>>): string {
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}

function pathOf(url: string | undefined): string {
  return new URL(url ?? "/", "http://localhost").pathname;
}
