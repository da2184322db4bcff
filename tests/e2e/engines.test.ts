// The page on WASM in browsers that are no Chromium: a first visit, then a second one with the server gone.
import { describe, expect, it } from "vitest";
import { serveApp } from "./browser.ts";
import { openFirefox } from "./firefox.ts";
import { openWebKit, type DrivenPage } from "./webkit.ts";

/** Waits for what the page shows, clicks and types as a person would. */
const TOOLS = `
  const shown = async (find) => {
    for (let tries = 0; tries < 1200; tries++) {
      const found = find();
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("never shown: " + find + " on: " + document.body.innerText);
  };
  const ask = async (question) => {
    const box = await shown(() => document.querySelector(".foot textarea"));
    await shown(() => document.querySelector(".status .dot"));
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    (await shown(() => document.querySelector('[aria-label="Send"]:not(:disabled)'))).click();
    const text = () => [...document.querySelectorAll(".answer-text")].at(-1)?.textContent ?? "";
    await shown(() => document.querySelector('[aria-label="Send"]') && /[.!?]\\s*$/.test(text()));
    return { answer: text().trim(), status: document.querySelector(".status").textContent };
  };`;

const DOWNLOAD_AND_ASK = `${TOOLS}
  (await shown(() => document.querySelector(".button.large"))).click();
  const said = await ask("What is the capital of France?");
  await navigator.serviceWorker.ready;
  return said;`;

const PARIS = "The capital of France is Paris.";

const ASK_AGAIN = `${TOOLS} return ask("What is the capital of France?");`;

async function visitTwice(page: DrivenPage): Promise<{ online: unknown; offline: unknown }> {
  const server = await serveApp();
  try {
    await page.open(server.url);
    const online = await page.evaluate(DOWNLOAD_AND_ASK);
    await server.close();
    await page.open(server.url);
    return { online, offline: await page.evaluate(ASK_AGAIN) };
  } finally {
    await page.close();
    await server.close().catch(() => undefined); // closed before, where all went well
  }
}

describe("the page answers, with its server and without", () => {
  it("in Firefox, on threads", async () => {
    const { online, offline } = await visitTwice(await openFirefox());
    expect(online).toMatchObject({ answer: PARIS, status: expect.stringContaining("WASM") });
    expect(offline).toMatchObject({ answer: PARIS });
  });

  it("in WebKitGTK, on one thread and plain SIMD", async () => {
    const { online, offline } = await visitTwice(await openWebKit());
    expect(online).toMatchObject({ answer: PARIS, status: expect.stringMatching(/plain\s+·\s+1 thread/) });
    expect(offline).toMatchObject({ answer: PARIS });
  });
});
