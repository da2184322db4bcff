// How the widget looks, reads and is used: axe in every state, keyboard alone, phone, theme, language.
import type { Frame, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findings, NARROW, WIDE, type Look } from "../page/open.ts";
import { frameOf, openPanel, WidgetTests, withChat, withWidget, type Doing } from "./open.ts";

let tests: WidgetTests;
beforeAll(async () => {
  tests = await WidgetTests.start();
});
afterEach(() => tests.closePages());
afterAll(() => tests.stop());

interface State {
  readonly doing?: Doing;
  readonly attributes?: string;
  reach(page: Page): Promise<Frame>;
}

const say = async (page: Page): Promise<Frame> => {
  const frame = await openPanel(page, "textarea");
  await withChat(page, (chat) => chat.ask("Tell me"));
  return frame;
};

/** Each state of the widget, and how one gets there. */
const STATES: Record<string, State> = {
  "before consent": {
    attributes: `suggestions="One?|Two?" context="Text" model="smollm2-135m-instruct"`,
    reach: (page) => openPanel(page, ".consent"),
  },
  "an address nobody has asked": {
    attributes: `model="https://models.example/a.gguf"`,
    reach: (page) => openPanel(page, ".consent"),
  },
  declined: {
    async reach(page) {
      const frame = await openPanel(page, ".consent");
      await frame.click(".consent .quiet");
      await frame.waitForSelector("div.declined");
      return frame;
    },
  },
  downloading: {
    doing: { downloadMs: 20_000 },
    async reach(page) {
      const frame = await openPanel(page, ".consent");
      await frame.click(".consent .primary");
      await frame.waitForSelector("[role=progressbar][aria-valuenow]");
      return frame;
    },
  },
  "failed to load": {
    doing: { stored: true, failures: [{ at: "load", code: "network" }] },
    reach: (page) => openPanel(page, "[role=alert]"),
  },
  ready: {
    doing: { stored: true },
    attributes: `greeting="Hello" suggestions="One?"`,
    reach: (page) => openPanel(page, "textarea"),
  },
  answered: {
    doing: { stored: true, answer: "**Yes.**\n\n- one\n- two\n\n```js\nlet a;\n```\n\n| a |\n|---|\n| 1 |" },
    reach: say,
  },
  "the day's tokens are spent": {
    doing: { stored: true },
    attributes: `budget="5"`,
    async reach(page) {
      const frame = await say(page);
      await frame.waitForSelector(".note");
      return frame;
    },
  },
  "where things are": {
    doing: { stored: true },
    async reach(page) {
      const frame = await openPanel(page, "textarea");
      await frame.click("header button");
      await frame.waitForSelector(".about");
      return frame;
    },
  },
};

describe.each([
  ["wide and light", WIDE],
  ["320 px and dark", NARROW],
] as [string, Look][])("the widget, %s", (_, look) => {
  it.each(Object.entries(STATES))(
    "%s: axe finds nothing, nothing sticks out, nothing breaks",
    async (_name, { doing = {}, attributes, reach }) => {
      const { page } = await tests.open(withWidget(attributes), { doing, look });
      const frame = await reach(page);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await findings(frame)).toEqual([]);
      expect(await findings(page)).toEqual([]);
      const { scroll, width } = await frame.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }));
      expect(scroll).toBeLessThanOrEqual(width);
      expect(page.errors).toEqual([]);
    },
  );
});

describe("the keyboard", () => {
  it("opens the panel, is inside it, and comes back to the button", async () => {
    const { page } = await tests.open(withWidget(), { doing: { stored: true } });
    await withChat(page, () => undefined);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const frame = await frameOf(page);
    await frame.waitForFunction(() => document.hasFocus() && document.activeElement?.tagName === "TEXTAREA");
    await page.keyboard.type("What?");
    await page.keyboard.press("Enter");
    await frame.waitForFunction(() => document.querySelector(".answer-text")?.textContent?.includes("Paris"));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("cria-chat")!.open);
    expect(await withChat(page, (chat) => document.activeElement === chat && chat.shadowRoot!.activeElement?.tagName)).toBe(
      "BUTTON",
    );
    await page.keyboard.press("Enter"); // opens again, with what was said
    await page.waitForFunction(() => document.querySelector("cria-chat")!.open);
    expect(await frame.$$eval(".answer-text", (answers) => answers.length)).toBe(1);
  });
});

describe("the page's wishes", () => {
  it("are worn inside the frame where they can be read, and left out where they can't", async () => {
    const style = (rules: string) => withWidget("", `<style>cria-chat { ${rules} }</style>`);
    const worn = await tests.open(
      style("--cria-accent: oklch(45% 0.1 160); --cria-background: #fffbe6; --cria-text: #222; --cria-radius: 4px"),
      { doing: { stored: true } },
    );
    const frame = await openPanel(worn.page, "textarea");
    const looks = (frame: Frame) =>
      frame.evaluate(() => {
        const { backgroundColor, color } = getComputedStyle(document.body);
        return { backgroundColor, color, accent: getComputedStyle(document.documentElement).getPropertyValue("--button") };
      });
    expect(await looks(frame)).toMatchObject({
      backgroundColor: "rgb(255, 251, 230)",
      color: "rgb(34, 34, 34)",
      accent: expect.stringMatching(/^rgb\(\d+ \d+ \d+\)$/),
    });
    const hidden = await tests.open(style("--cria-background: #ffffff; --cria-text: #fefefe"), { doing: { stored: true } });
    expect(await looks(await openPanel(hidden.page, "textarea"))).toMatchObject({ color: "rgb(36, 29, 40)" });
  });

  it("are in the page's language, its colour scheme and the words that were set, also later", async () => {
    const { page } = await tests.open(
      (cria) => ({ "/": withWidget(`heading="Hilfe"`)(cria)["/"]!.replace('lang="en"', 'lang="de" style="color-scheme: dark"') }),
      {
        doing: { stored: true },
      },
    );
    const frame = await openPanel(page, "textarea");
    const read = () =>
      frame.evaluate(() => ({
        heading: document.querySelector("h1")?.textContent,
        placeholder: document.querySelector("textarea")?.placeholder,
        scheme: document.documentElement.dataset["theme"],
        lang: document.documentElement.lang,
      }));
    expect(await read()).toEqual({ heading: "Hilfe", placeholder: "Fragen Sie etwas", scheme: "dark", lang: "de" });
    await withChat(page, (chat) => Object.assign(chat, { language: "ja", theme: "light", heading: "ヘルプ" }) && undefined);
    await frame.waitForFunction(
      () => document.documentElement.lang === "ja" && document.querySelector("h1")?.textContent === "ヘルプ",
    );
    expect(await read()).toEqual({ heading: "ヘルプ", placeholder: "質問を入力", scheme: "light", lang: "ja" });
  });

  it("hide nothing that the page gave: its text can be read in the widget", async () => {
    const { page } = await tests.open(withWidget(`context-from="main" context-label="The heading"`), { doing: { stored: true } });
    const frame = await openPanel(page, "details");
    await frame.click("summary");
    expect(await frame.$eval("details p", (text) => text.textContent)).toBe("Elsewhere");
  });

  it("may be set before the browser knows the element", async () => {
    const early = `<script>Object.assign(document.querySelector("cria-chat"), { suggestions: ["Early?"], budget: 7, open: true })</script>`;
    const { page } = await tests.open(withWidget("", early), { doing: { stored: true } });
    const frame = await frameOf(page);
    await frame.waitForSelector(".suggestions");
    expect(await withChat(page, ({ suggestions, budget, open }) => ({ suggestions, budget, open }))).toEqual({
      suggestions: ["Early?"],
      budget: 7,
      open: true,
    });
  });
});

describe("the panel", () => {
  it("fills a phone's screen, and asks nothing of the network before it is opened", async () => {
    const { page, cria } = await tests.open(withWidget(), { doing: { stored: true }, look: NARROW });
    await withChat(page, () => undefined);
    expect(cria.requests.map(({ path }) => path)).toEqual(["/cria-chat.js"]);
    const frame = await openPanel(page, "textarea");
    expect(await frame.evaluate(() => [innerWidth, innerHeight])).toEqual([NARROW.width, NARROW.height]);
  });

  it("stands in the page where it is inline, and comes when it is scrolled near", async () => {
    const { page, cria } = await tests.open(
      withWidget(`display="inline" size="small"`, `<style>main { height: 4000px }</style>`),
      { doing: { stored: true } },
    );
    await withChat(page, () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(cria.requests.map(({ path }) => path)).not.toContain("/embed.html");
    await withChat(page, (chat) => chat.scrollIntoView());
    await (await frameOf(page)).waitForSelector("textarea");
    const panel = await withChat(page, (chat) => {
      const element = chat.shadowRoot!.querySelector(".panel")!;
      return {
        height: Math.round(chat.getBoundingClientRect().height),
        isSeen: element.checkVisibility({ visibilityProperty: true }),
      };
    });
    expect(panel).toEqual({ height: 480, isSeen: true });
  });
});
