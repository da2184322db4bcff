// What a page must not be able to do, what a model must not be able to do, and that everything that goes wrong ends well.
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { HOSTILE } from "../../web/lib/hostile.ts";
import { CONFIG } from "../../web/embed/config.ts";
import { frameOf, openPanel, WidgetTests, withChat, withWidget } from "./open.ts";

let tests: WidgetTests;
beforeAll(async () => {
  tests = await WidgetTests.start();
});
afterEach(() => tests.closePages());
afterAll(() => tests.stop());

const READY = { doing: { stored: true } };
const ELSEWHERE = { sites: [{ origin: "https://shop.example", models: ["*"] }] };

/** The code that `ask` rejects with; null where it resolves. */
const failureOf = (page: Page, question: string): Promise<string | null> =>
  withChat(
    page,
    (chat, question) =>
      chat.ask(question).then(
        () => null,
        (error: unknown) => String(Object(error).code),
      ),
    question,
  );

describe("a site that is not on the list", () => {
  it("is refused by the browser, and told so", async () => {
    const { page, cria } = await tests.open(withWidget(), { ...READY, allow: ELSEWHERE });
    expect(await failureOf(page, "What?")).toBe("not_allowed");
    expect(await withChat(page, (chat) => chat.state)).toBe("failed");
    expect(cria.requests.map(({ path }) => path)).not.toContain("/embed.json"); // nothing of the frame ran
  });

  it("is refused by the frame where the deployment's host sends no headers", async () => {
    const { page } = await tests.open(withWidget(), { ...READY, allow: ELSEWHERE, headers: false });
    expect(await failureOf(page, "What?")).toBe("not_allowed");
    const frame = await frameOf(page);
    expect(await frame.evaluate(() => document.body.innerText)).toContain("does not let http://127.0.0.1");
    expect(await frame.$("textarea, .consent")).toBeNull();
  });

  it("is refused where the list can't be read", async () => {
    const { page } = await tests.open(withWidget(), { ...READY, files: { "/double.json": "{}", "/embed.json": "{ sites: }" } });
    expect(await failureOf(page, "What?")).not.toBeNull();
  });
});

describe("a forged message", () => {
  it("of another frame in the page neither reaches the widget nor gets an answer", async () => {
    const forger = `<!doctype html><script>
      window.got = [];
      const forge = () => {
        const frame = parent.document.querySelector("cria-chat").shadowRoot?.querySelector("iframe");
        if (frame) {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => got.push(data);
          frame.contentWindow.postMessage({ cria: 1, type: "connect", config: ${JSON.stringify(CONFIG)} }, "*", [port2]);
        }
        parent.postMessage({ cria: 1, type: "hello" }, "*"); // asks the page for a port of its own
      };
      addEventListener("message", ({ data }) => got.push(data));
      setInterval(forge, 5);
    </script>`;
    const { page } = await tests.open(
      (cria) => ({ ...withWidget("", `<iframe src="/forger"></iframe>`)(cria), "/forger": forger }),
      READY,
    );
    expect(await withChat(page, (chat) => chat.ask("What?"))).toContain("Paris");
    const other = page.frames().find((frame) => frame.url().includes("/forger"))!;
    expect(await other.evaluate("got")).toEqual([]);
  });

  it("of the page itself is answered as none, and nothing comes of it", async () => {
    // The page takes the port that the element keeps for itself.
    const steal = `<script>
      const post = MessagePort.prototype.postMessage;
      MessagePort.prototype.postMessage = function (...words) { window.port = this; return post.apply(this, words); };
    </script>`;
    const { page } = await tests.open((cria) => ({ "/": steal + withWidget()(cria)["/"] }), READY);
    await openPanel(page, "textarea");
    const answers = await page.evaluate(async () => {
      const port: MessagePort = Reflect.get(window, "port");
      const strange: unknown[] = [
        "stop",
        null,
        { type: "eval", code: "parent.pwned = 1" },
        { type: "ask", id: "x", text: "x".repeat(1_000_000) },
        { type: "configure", config: { html: "<script>1</script>" } },
      ];
      for (const message of strange) port.postMessage(message);
      await new Promise((resolve) => setTimeout(resolve, 300));
      return window.heard.filter(({ type }) => type === "error").map(({ code }) => code);
    });
    expect(answers).toEqual(Array.from({ length: 5 }, () => "bad_request"));
    expect(await withChat(page, (chat) => chat.ask("What?"))).toContain("Paris");
  });
});

describe("a question", () => {
  it("that is too long is refused before it is sent", async () => {
    const { page } = await tests.open(withWidget(), READY);
    expect(await failureOf(page, "x".repeat(16_001))).toBe("bad_request");
    expect(await failureOf(page, " ")).toBe("bad_request");
    expect(page.frames()).toHaveLength(1);
  });

  it("that the model has no room for fails, and the next one is answered", async () => {
    const { page } = await tests.open(withWidget(), { doing: { stored: true, contextLength: 512 } });
    expect(await failureOf(page, "word ".repeat(600))).toBe("context_full");
    expect(await withChat(page, (chat) => chat.ask("What?"))).toContain("Paris");
  });

  it("that the visitor declines fails as declined, and leaves the page as it was", async () => {
    const { page } = await tests.open(withWidget());
    const failure = failureOf(page, "What?");
    const frame = await frameOf(page);
    await (await frame.waitForSelector(".consent .quiet"))!.click();
    expect(await failure).toBe("declined");
    expect(await frame.evaluate(() => document.querySelector("div.declined")?.textContent)).toContain("Nothing was downloaded.");
    expect(page.errors).toEqual([]);
  });

  it("ends when the page takes the widget away in mid-answer, and can be asked again when it is back", async () => {
    const { page } = await tests.open(withWidget(), { doing: { stored: true, tokenMs: 30, answer: "word ".repeat(200) } });
    const [failure, again] = await withChat(page, async (chat) => {
      const first = chat.ask("What?").catch((error: unknown) => String(Object(error).code));
      await new Promise((resolve) => chat.addEventListener("token", resolve, { once: true }));
      chat.remove();
      const failure = await first;
      document.body.append(chat);
      const second = chat.ask("And?");
      await new Promise((resolve) => chat.addEventListener("token", resolve, { once: true }));
      chat.stop();
      return [failure, await second] as const;
    });
    expect(failure).toBe("aborted");
    expect(again).toContain("word");
    expect(page.errors).toEqual([]);
  });
});

describe("a hostile answer", () => {
  it(`does nothing in the frame, in ${HOSTILE.length} kinds`, { timeout: 300_000 }, async () => {
    const { page, cria, host } = await tests.open(withWidget(), READY);
    const frame = await openPanel(page, "textarea");
    const address = frame.url();
    const problems: string[] = [];
    for (const payload of HOSTILE) {
      await frame.evaluate((text) => (window.engine.script.answer = () => text), payload);
      await withChat(page, async (chat) => {
        chat.reset();
        await chat.ask("Go");
      });
      const found = await frame.evaluate(async () => {
        // what would run does so at once, or when it is touched
        for (const element of document.querySelectorAll(".answer-text *"))
          for (const type of ["mouseover", "focus", "animationstart"]) element.dispatchEvent(new Event(type, { bubbles: true }));
        await new Promise((resolve) => setTimeout(resolve));
        const active =
          "script,style,iframe,object,embed,link,meta,base,form,input,svg:not(button svg),math,img,video,audio,[style],[onclick]";
        const elements = [...document.querySelectorAll(".answer-text *")].filter(
          (element) => !element.closest("button") && element.matches(active),
        );
        return { pwned: Reflect.get(window, "pwned") ?? null, elements: elements.map(({ outerHTML }) => outerHTML) };
      });
      const outside = await page.evaluate(() => Reflect.get(window, "pwned") ?? null);
      if (found.pwned !== null || outside !== null || found.elements.length > 0 || frame.url() !== address)
        problems.push(`${payload}: ${JSON.stringify(found)}`);
    }
    expect(problems).toEqual([]);
    const known = [cria.url, host.url].map((url) => new URL(url).origin);
    expect(page.requests.filter((url) => !known.includes(new URL(url).origin) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(page.url()).toBe(host.url);
  });
});
