// cria.js as a package: installed from its tarball into projects of two bundlers, imported from another origin, and silent until it is asked.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import type { Page } from "puppeteer-core";
import { build as vite } from "vite";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildPackage, packPackage } from "../../.config/package.ts";
import type * as Library from "../../web/api/cria.ts";
import { obtainModel } from "../../web/cli/model.ts";
import golden from "../golden/builtin/golden.json" with { type: "json" };
import { BUILTIN } from "../golden/models.ts";
import { openChromium, servePlainly, type AppServer, type TestBrowser } from "./browser.ts";
import { snippet } from "./embed/snippets.ts";

const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const { prompt, text } = golden.stories[0]!;
const PAGE = '<!doctype html><title>An app</title><script type="module" src="./main.js"></script>';
/** What an app does with the package; the page's own model file. */
const mainOf = (specifier: string, model = 'new URL("model.gguf", document.baseURI).href'): string => `
  import { load } from "${specifier}";
  const cria = await load({ model: ${model}, backend: "wasm" });
  const { choices } = await cria.completions.create({ prompt: ${JSON.stringify(prompt)}, max_tokens: 16, temperature: 0 });
  document.title = JSON.stringify({ text: choices[0].text, threads: cria.info.threads });
`;

declare const library: typeof Library;

let folder: string;
let tarball: string;
let chromium: TestBrowser;
const servers: AppServer[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cria-package-"));
  await buildPackage(join(folder, "package"));
  writeFileSync(join(folder, "blank.html"), "<!doctype html><title>Blank</title>");
  tarball = packPackage(join(folder, "package"), folder);
  chromium = await openChromium();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(async () => {
  await chromium.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A project with the package installed as anybody would, from the tarball. */
function project(): string {
  const path = mkdtempSync(join(folder, "app-"));
  writeFileSync(join(path, "package.json"), '{ "name": "app", "private": true, "type": "module" }');
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", tarball], { cwd: path });
  writeFileSync(join(path, "index.html"), PAGE);
  writeFileSync(join(path, "main.js"), mainOf("cria"));
  return path;
}

async function serve(path: string, headers: Readonly<Record<string, string>> = ISOLATED): Promise<string> {
  const server = await servePlainly(() => path, headers);
  servers.push(server);
  return server.url;
}

/** What the app says in its title, once it has. */
async function said(url: string): Promise<{ text: string; threads: number }> {
  const page = await chromium.browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  await page
    .waitForFunction(() => document.title.startsWith("{"), { timeout: 30_000 })
    .catch((error: unknown) => {
      throw new Error(`${String(error)} ${errors.join(" ")}`);
    });
  const title = await page.title();
  await page.close();
  return JSON.parse(title) as { text: string; threads: number };
}

const expectStory = async (url: string): Promise<void> => {
  const { text: story } = await said(url);
  expect(story.length).toBeGreaterThan(10);
  expect(text.startsWith(story)).toBe(true);
};

describe("installed", () => {
  it("says what it is: types, an ES module, nothing to install with it", () => {
    const manifest = JSON.parse(execFileSync("tar", ["xzOf", tarball, "package/package.json"], { encoding: "utf8" })) as object;
    expect(manifest).toMatchObject({ name: "cria", type: "module", sideEffects: false, types: "./dist/cria.d.ts" });
    expect(Object.keys(manifest)).not.toContain("dependencies");
    const files = execFileSync("tar", ["tzf", tarball], { encoding: "utf8" }).split("\n");
    for (const name of ["README.md", "LICENSE", "catalogue.json", "dist/cria.js", "dist/cria.d.ts"])
      expect(files).toContain(`package/${name}`);
  });

  it("runs in an app that Vite builds", async () => {
    const path = project();
    writeFileSync(join(path, "vite.config.js"), snippet("vite"));
    await vite({ root: path, logLevel: "error", base: "./" });
    copyFileSync(BUILTIN, join(path, "dist", "model.gguf"));
    await expectStory(await serve(join(path, "dist")));
  });

  it("runs in an app that esbuild bundles, its files beside the bundle", async () => {
    const path = project();
    const out = join(path, "out");
    await esbuild({
      entryPoints: [join(path, "main.js")],
      bundle: true,
      format: "esm",
      outdir: out,
      logLevel: "error",
    });
    cpSync(join(path, "node_modules", "cria", "dist"), out, { recursive: true });
    copyFileSync(join(path, "index.html"), join(out, "index.html"));
    copyFileSync(BUILTIN, join(out, "model.gguf"));
    await expectStory(await serve(out));
  });
});

describe("from another origin", () => {
  let page: Page | null = null;
  afterEach(() => page?.close());

  it("runs in the page's own origin, with its storage and its threads", async () => {
    const cdn = await serve(join(folder, "package"), { "Access-Control-Allow-Origin": "*" });
    const path = mkdtempSync(join(folder, "host-"));
    writeFileSync(join(path, "index.html"), PAGE);
    writeFileSync(join(path, "main.js"), mainOf(`${cdn}dist/cria.js`));
    copyFileSync(BUILTIN, join(path, "model.gguf"));
    const host = (await serve(path)).replace("localhost", "127.0.0.1");
    await expectStory(host);
    // the story's model is too small for a second thread
    const large = 'new File([await (await fetch("large.gguf")).blob()], "large.gguf")';
    writeFileSync(join(path, "main.js"), mainOf(`${cdn}dist/cria.js`, large));
    copyFileSync((await obtainModel())!, join(path, "large.gguf"));
    expect((await said(host)).threads).toBeGreaterThan(1);
    page = await chromium.browser.newPage();
    await page.goto(host);
    const stored = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    expect(stored).toContain("cria-weights");
  });

  it("finds the catalogue beside it", async () => {
    const cdn = await serve(folder, { "Access-Control-Allow-Origin": "*" });
    page = await chromium.browser.newPage();
    await page.goto(`${(await serve(folder)).replace("localhost", "127.0.0.1")}blank.html`);
    const entry = `${cdn}package/dist/cria.js`;
    await page.addScriptTag({
      type: "module",
      content: `import * as library from "${entry}"; Object.assign(window, { library });`,
    });
    await page.waitForFunction(() => "library" in window);
    const failure = await page.evaluate(async () => {
      const error: unknown = await library.load({ model: "no-such-model" }).catch((error: unknown) => error);
      return error instanceof library.EngineError ? error.code : String(error);
    });
    expect(failure).toBe("not_found");
  });
});

describe("an import alone", () => {
  it("does nothing in Node: no worker, no request, no look at the browser", () => {
    const program = `
      for (const name of ["Worker", "fetch", "indexedDB", "document", "caches"])
        Object.defineProperty(globalThis, name, { get() { throw new Error(name + " was looked at"); } });
      console.log(Object.keys(await import(process.argv[1])).sort().join());
    `;
    const entry = join(folder, "package", "dist", "cria.js");
    const exported = execFileSync(process.execPath, ["--input-type=module", "-e", program, entry], { encoding: "utf8" });
    expect(exported.trim().split(",")).toEqual(expect.arrayContaining(["EngineError", "languageModel", "load"]));
  });

  it("does nothing in a page: one file comes, and that is all", async () => {
    const page = await chromium.browser.newPage();
    const url = await serve(folder);
    await page.goto(`${url}blank.html`);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname.replace("/favicon.ico", "")));
    await page.addScriptTag({ type: "module", content: `import "${url}package/dist/cria.js"; document.title = "imported";` });
    await page.waitForFunction(() => document.title === "imported");
    expect(asked.filter(Boolean)).toEqual(["/package/dist/cria.js"]);
    expect(page.workers()).toEqual([]);
    expect(await page.evaluate(async () => [await indexedDB.databases(), (await navigator.locks.query()).held])).toEqual([
      [],
      [],
    ]);
    await page.close();
  });
});
