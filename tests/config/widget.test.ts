// The widget as it is built, and the page that documents it: size, types, and that the page says what is so.
import { gzipSync } from "node:zlib";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";
import { headerRules, headersFor } from "../../.config/headers.ts";
import { buildElement, elementTypes } from "../../.config/widget.ts";
import { OPTION_NAMES, OPTIONS } from "../../web/embed/options.ts";
import { frameAncestors, readAllowList } from "../../web/lib/allow-list.ts";
import { SERVERS } from "../e2e/embed/host-headers.ts";
import { docsPage, readSnippets, snippet } from "../e2e/embed/snippets.ts";

describe("cria-chat.js", () => {
  let script: string;
  beforeAll(async () => {
    script = await buildElement();
  });

  it("has at most 12 kB gzipped", () => expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(12_000));

  it("is one file that imports nothing, and bundles none of Cria's pages", () => {
    expect(script).not.toMatch(/\bimport\s*[({"']|\bfrom\s*["']\.|data:[a-z]+\//);
  });
});

describe("cria-chat.d.ts", () => {
  it("makes the documentation's TypeScript compile, and mistakes in it not", () => {
    const errorsOf = (source: string): string[] => {
      const files: Record<string, string> = { "/cria-chat.d.ts": elementTypes(), "/page.ts": source };
      const options = {
        strict: true,
        lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        types: [],
      };
      const host = ts.createCompilerHost(options);
      const { fileExists, readFile, getSourceFile } = host;
      host.fileExists = (name) => name in files || fileExists(name);
      host.readFile = (name) => files[name] ?? readFile(name);
      host.getSourceFile = (name, version) =>
        files[name] === undefined ? getSourceFile(name, version) : ts.createSourceFile(name, files[name], version);
      const program = ts.createProgram(
        Object.keys(files),
        { ...options, moduleResolution: ts.ModuleResolutionKind.Bundler, noEmit: true },
        host,
      );
      return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
    };
    const good = snippet("typescript");
    expect(errorsOf(good)).toEqual([]);
    expect(errorsOf(good.replace("detail.role", "detail.roll"))).toHaveLength(1);
    expect(errorsOf(good.replace('["What is this?"]', "5"))).toHaveLength(1);
  });
});

describe("the page about embedding", () => {
  const cells = (section: string): string[] =>
    [
      ...new RegExp(`<section id="${section}"[\\s\\S]*?</section>`)
        .exec(docsPage())![0]
        .matchAll(/<th scope="row"><code>([\w-]+)<\/code><\/th>/g),
    ].map(([, name]) => name!);

  it("names every attribute, and no other", () => {
    const attributes = OPTION_NAMES.map((name) => OPTIONS[name].attribute);
    expect(cells("attributes").sort()).toEqual([...attributes, "open"].sort());
  });

  it("names every event", () => expect(cells("asking")).toEqual(["ready", "token", "message", "error"]));

  it("says how large the script is", async () => {
    const kilobytes = Math.round(gzipSync(await buildElement(), { level: 9 }).length / 1000);
    expect(docsPage()).toContain(`The script is ${String(kilobytes)} kB.`);
  });

  it("has a test for every snippet", () => {
    const tested = ["quick-start", "inline", "theme", "ask", "events", "errors", "context", "selection"]; // tests/e2e/embed/docs.test.ts
    const frameworks = ["react", "vue", "vue-config", "svelte"];
    const hosts = [...Object.keys(SERVERS), "host-policy", "allow-list", "typescript"];
    const scripts = ["library", "openai", "ai-sdk", "prompt-api"]; // tests/e2e/endpoint/docs.test.ts
    const packaged = ["vite"]; // tests/e2e/package.test.ts
    expect([...readSnippets().keys()].sort()).toEqual([...tested, ...frameworks, ...hosts, ...scripts, ...packaged].sort());
  });

  const sites = readAllowList(JSON.parse(snippet("allow-list")));

  it("shows a list that is one", () => expect(sites.map(({ budgetTokens }) => budgetTokens)).toEqual([50_000, null, null]));

  it.each(Object.keys(SERVERS))("gives %s the headers that our own hosts send", (server) => {
    const headersOf = SERVERS[server]!(snippet(server));
    const rules = headerRules(sites);
    for (const path of ["/index.html", "/assets/a.js", "/embed.html"]) {
      const ours = headersFor(path, rules);
      for (const [name, value] of Object.entries(headersOf(path)))
        expect(name === "Content-Security-Policy" ? ours[name]!.split(", ").at(-1) : ours[name], `${path} ${name}`).toBe(value);
    }
    expect(headersOf("/embed.html")).toMatchObject({
      "Content-Security-Policy": `frame-ancestors ${frameAncestors(sites)}`,
      "Document-Isolation-Policy": "isolate-and-require-corp",
      "Cross-Origin-Embedder-Policy": "require-corp",
      "Cross-Origin-Resource-Policy": "cross-origin",
    });
    expect(headersOf("/index.html")["X-Frame-Options"]).toBe("SAMEORIGIN");
  });
});
