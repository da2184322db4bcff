// Every snippet of the page about embedding, run as it stands in a page of another site; and the page itself.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import vue from "@vitejs/plugin-vue";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type PluginOption } from "vite";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DIST } from "../browser.ts";
import { findings, NARROW, WIDE } from "../page/open.ts";
import { SERVERS } from "./host-headers.ts";
import { frameOf, openPanel, WidgetTests, withChat, withWidget } from "./open.ts";
import { EXAMPLE, snippet } from "./snippets.ts";

let tests: WidgetTests;
beforeAll(async () => {
  tests = await WidgetTests.start();
});
afterEach(() => tests.closePages());
afterAll(() => tests.stop());

const READY = { doing: { stored: true } };

/** A page that is the snippet and nothing else. */
const pageOf = (name: string) => (cria: string) => ({
  "/": `<!doctype html><html lang="en"><head><title>Snippet</title></head><body>${snippet(name).replaceAll(EXAMPLE, cria)}</body></html>`,
});

/** A page with a widget and the snippet as its module. */
const scriptOf = (name: string) => withWidget("", `<script type="module">${snippet(name)}</script>`);

describe("HTML and CSS", () => {
  it("quick start", async () => {
    const { page } = await tests.open(pageOf("quick-start"), READY);
    await openPanel(page, "textarea");
    expect(await withChat(page, (chat) => chat.ask("What?"))).toContain("Paris");
  });

  it("inline, with the text around it", async () => {
    const { page } = await tests.open(pageOf("inline"), READY);
    const frame = await frameOf(page);
    await (await frame.waitForSelector(".suggestions button"))!.click();
    await frame.waitForSelector(".answer .tools");
    const asked = await frame.evaluate(() => window.engine.requests[0]!.messages);
    expect(asked[0]!.content).toContain("third week of September");
    expect(asked[1]!.content).toBe("When are the pears picked?");
  });

  it("theme", async () => {
    const { page } = await tests.open(withWidget("", `<style>${snippet("theme")}</style>`), READY);
    const frame = await openPanel(page, "textarea");
    expect(await frame.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--button"))).toBe(
      "rgb(13 92 74)",
    );
    expect(await withChat(page, (chat) => chat.shadowRoot!.querySelector(".panel")!.clientWidth)).toBe(418); // 420 less the borders
  });

  it("a selection", async () => {
    const { page } = await tests.open(pageOf("selection"), READY);
    await withChat(page, () => getSelection()!.selectAllChildren(document.querySelector("p")!));
    await page.evaluate(() => document.querySelector("button")!.click());
    const frame = await frameOf(page);
    await frame.waitForSelector("details p");
    expect(await frame.$eval("details p", (text) => text.textContent)).toBe("Cochineal is a red dye made from an insect.");
  });
});

describe("JavaScript", () => {
  /** What the snippet logs, until a line has the words in it. */
  async function logged(name: string, words: string, doing = {}): Promise<string[]> {
    const lines: string[] = [];
    const { page } = await tests.open((cria) => ({ "/": "<title>Before</title>", "/page": scriptOf(name)(cria)["/"]! }), {
      doing: { stored: true, ...doing },
    });
    page.on("console", (message) => lines.push(message.text()));
    await page.goto(new URL("page", page.url()).href);
    if (name === "events") await withChat(page, (chat) => chat.ask("What is the capital of France?"));
    for (let tries = 0; tries < 200 && !lines.some((line) => line.includes(words)); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return lines;
  }

  it("ask", async () => expect(await logged("ask", "Paris")).toContain("The capital of France is Paris."));

  it("events", async () => {
    const lines = await logged("events", "assistant");
    expect(lines).toContain("SmolLM2 135M Instruct runs on webgpu");
    expect(lines).toContain("user What is the capital of France? false");
    expect(lines).toContain("assistant The capital of France is Paris. false");
    expect(lines.filter((line) => line.startsWith("ask-1 ")).length).toBeGreaterThan(3);
  });

  it("errors", async () => {
    const lines = await logged("errors", "gpu_lost", { failures: [{ at: "answer", code: "gpu_lost" }] });
    expect(lines.some((line) => line.startsWith("gpu_lost "))).toBe(true);
  });

  it("context", async () => {
    const { page } = await tests.open(scriptOf("context"), READY);
    const frame = await frameOf(page);
    await (await frame.waitForSelector(".suggestions button"))!.click();
    await frame.waitForSelector(".answer .tools");
    expect(await frame.evaluate(() => window.engine.requests[0]!.messages[0]!.content)).toContain("70 °C, one minute.");
    expect(await frame.$eval("summary", (summary) => summary.textContent)).toContain("Kirishima Sencha");
  });
});

/** Files around a framework's snippet, and the plugins that compile it. */
const FRAMEWORKS: Record<string, { file: string; main: string; plugins: () => PluginOption[] | Promise<PluginOption[]> }> = {
  react: {
    file: "App.jsx",
    main: `import { createElement } from "react"; import { createRoot } from "react-dom/client"; import App from "./App.jsx";
      createRoot(document.querySelector("#app")).render(createElement(App));`,
    plugins: () => [],
  },
  vue: {
    file: "App.vue",
    main: `import { createApp } from "vue"; import App from "./App.vue"; createApp(App).mount("#app");`,
    async plugins() {
      // the configuration that the page shows
      expect(snippet("vue-config")).toContain(
        'vue({ template: { compilerOptions: { isCustomElement: (tag) => tag === "cria-chat" } } })',
      );
      return [vue({ template: { compilerOptions: { isCustomElement: (tag) => tag === "cria-chat" } } })];
    },
  },
  svelte: {
    file: "App.svelte",
    main: `import { mount } from "svelte"; import App from "./App.svelte"; mount(App, { target: document.querySelector("#app") });`,
    plugins: () => [svelte({ configFile: false })],
  },
};

describe("frameworks", () => {
  it.each(Object.keys(FRAMEWORKS))(
    "%s: arrays and numbers arrive as properties, events are heard, methods are there",
    async (name) => {
      const { file, main, plugins } = FRAMEWORKS[name]!;
      // inside the project, so that its packages are found
      mkdirSync(join(import.meta.dirname, "../../../.cache"), { recursive: true });
      const folder = mkdtempSync(join(import.meta.dirname, "../../../.cache/snippet-"));
      try {
        writeFileSync(join(folder, file), snippet(name));
        writeFileSync(join(folder, "main.js"), main);
        const options = {
          write: false,
          rollupOptions: { input: join(folder, "main.js"), output: { format: "es" as const, codeSplitting: false } },
        };
        const result = await build({
          configFile: false,
          root: folder,
          logLevel: "warn",
          plugins: await plugins(),
          build: options,
        });
        if (!("output" in result)) throw new Error("The snippet did not build into one file.");
        const script = result.output[0].code.replaceAll("</script", "<\\/script");
        const lines: string[] = [];
        const html = (cria: string): string =>
          `<!doctype html><title>x</title><div id="app"></div><script type="module" src="${cria}cria-chat.js"></script><script type="module">${script}</script>`;
        const { page } = await tests.open((cria) => ({ "/": "<title>Before</title>", "/page": html(cria) }), READY);
        page.on("console", (message) => lines.push(message.text()));
        await page.goto(new URL("page", page.url()).href);
        await page.waitForSelector("button");
        const set = await withChat(page, ({ suggestions, budget, heading }) => ({ suggestions, budget, heading }));
        expect(set).toEqual({ suggestions: ["What is this?", "How do I begin?"], budget: 20_000, heading: "Help" });
        await page.click("button");
        for (let tries = 0; tries < 200 && !lines.some((line) => line.includes("Paris")); tries++)
          await new Promise((resolve) => setTimeout(resolve, 50));
        expect(lines).toContain("SmolLM2 135M Instruct");
        expect(lines).toContain("The capital of France is Paris.");
        expect(page.errors).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});

describe("headers", () => {
  it.each(Object.keys(SERVERS))("of %s isolate the frame, and let the sites of the list in alone", async (server) => {
    const headersOf = SERVERS[server]!(snippet(server));
    const refused = await tests.open(withWidget(), { ...READY, headersOf, headers: false });
    expect(await withChat(refused.page, (chat) => chat.ask("What?").catch((error: unknown) => String(Object(error).code)))).toBe(
      "not_allowed",
    );
    // the site of this test is on no list but this one
    const here = (path: string): Record<string, string> => {
      const { "Content-Security-Policy": policy, ...others } = headersOf(path);
      return {
        ...others,
        ...(policy ? { "Content-Security-Policy": policy.replace("https://shop.example", "http://127.0.0.1:*") } : {}),
      };
    };
    const { page } = await tests.open(withWidget(), { ...READY, headersOf: here });
    const frame = await openPanel(page, "textarea");
    expect(await frame.evaluate(() => crossOriginIsolated)).toBe(true);
  });

  it("of one's own page: its policy lets the widget in", async () => {
    const policy = snippet("host-policy").replace("Content-Security-Policy: ", "").trim();
    const { page } = await tests.open((cria) => {
      const meta = `<meta http-equiv="Content-Security-Policy" content="${policy.replaceAll(EXAMPLE.slice(0, -1), new URL(cria).origin)}">`;
      return { "/": withWidget()(cria)["/"]!.replace("<head>", `<head>${meta}`) };
    }, READY);
    const frame = await openPanel(page, "textarea");
    expect(await frame.$eval("h1", (heading) => heading.textContent)).toBe("Cria");
  });
});

describe("the page itself", () => {
  it.each([
    ["wide", WIDE],
    ["320 px", NARROW],
  ])("%s: axe finds nothing, nothing sticks out, its snippets name where one is, and its own widget answers", async (_, look) => {
    const folder = process.env["CRIA_DIST"];
    const { page, cria } = await tests.open(() => ({ "/": "<title>Before</title>" }), {
      look,
      ...(folder ? { folder } : { folder: DIST }),
      files: {},
    });
    await page.goto(`${cria.url}docs.html`);
    await page.waitForSelector(".hljs-name");
    expect(await page.$eval('[data-snippet="quick-start"]', (snippet) => snippet.textContent)).toContain(
      `${cria.url}cria-chat.js`,
    );
    expect(await findings(page)).toEqual([]);
    const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }));
    expect(scroll).toBeLessThanOrEqual(width);
    await withChat(page, (chat) => chat.scrollIntoView());
    await (await frameOf(page)).waitForSelector(".consent");
    expect(page.errors).toEqual([]);
  });
});
