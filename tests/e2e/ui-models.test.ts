// The model manager in Chromium, with a double for an engine: getting models every way there is, and being rid of them.
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PageTests } from "./page/open.ts";

let tests: PageTests;
beforeAll(async () => {
  tests = await PageTests.start();
});
afterEach(() => tests.closePages());
afterAll(() => tests.stop());

async function manager(query = ""): Promise<Page & { errors: string[] }> {
  const page = await tests.open(`?stored=1${query}#models`);
  await page.waitForSelector(".card .best");
  return page;
}

async function press(page: Page, text: string): Promise<void> {
  await (await page.waitForSelector(`::-p-xpath(//button[normalize-space(.)="${text}"])`))!.click();
}

async function look(page: Page, address: string): Promise<void> {
  await page.type("#model-address", address);
  await page.keyboard.press("Enter");
}

const textOf = (page: Page, selector: string): Promise<string> =>
  page.$eval(selector, (element) => (element.textContent ?? "").replace(/\s+/g, " ").trim());

describe("the advisor", () => {
  it("recommends the best that is fast enough, and another when that changes", async () => {
    const page = await manager();
    expect(await textOf(page, ".card .name")).toBe("SmolLM2 1.7B Instruct");
    expect(await textOf(page, ".card dl")).toContain("9.0 tokens/s");
    await page.click('input[name="pace"][value="fast"]');
    await page.waitForFunction(() => document.querySelector(".card .name")?.textContent === "SmolLM2 135M Instruct");
    expect(await textOf(page, ".card .best button")).toBe("In use");
  });

  it("shows what was predicted beside what then happened", async () => {
    const page = await manager();
    expect(await textOf(page, "[aria-labelledby=stored-title] li")).toContain("Predicted 96.6 tokens/s; measured 89.8 tokens/s");
    await page.click('[aria-label="Actions for SmolLM2 135M Instruct"]');
    await (await page.waitForSelector("[role=menuitem] ::-p-text(Details)"))!.click();
    await page.waitForSelector("table");
    const cells = await page.$eval("table tbody tr", (row) => [...row.children].map((cell) => cell.textContent));
    expect(cells).toEqual(["Tokens a second", "96.6", "89.8", "8 % too high"]);
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("All models");
  });

  it("says what keeps it from measuring, and tries again", async () => {
    const page = await tests.open("?stored=1&advise=out_of_memory#models");
    await page.waitForSelector(".card [role=alert] button");
    await page.click(".card [role=alert] button");
    await page.waitForSelector(".card .best");
  });
});

describe("the catalogue", () => {
  const SEARCH = "[aria-labelledby=catalogue-title] input.field";
  const names = (page: Page): Promise<(string | null)[]> =>
    page.$$eval("[aria-labelledby=catalogue-title] .name", (all) => all.map((name) => name.firstChild!.textContent!.trim()));

  it("is searched, filtered by what fits, and sorted", async () => {
    const page = await manager();
    expect(await names(page)).toHaveLength(5);
    await page.type(SEARCH, "smollm2 1.7");
    expect(await names(page)).toEqual(["SmolLM2 1.7B Instruct"]);
    await page.$eval(SEARCH, (input) => {
      (input as HTMLInputElement).value = "";
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await page.click("input[type=checkbox]");
    expect(await names(page)).not.toContain("LLaMA 65B");
    await page.select("[aria-labelledby=catalogue-title] select", "size");
    expect((await names(page))[0]).toBe("SmolLM2 135M Instruct");
  });

  it("loads another quantization by its name", async () => {
    const page = await manager();
    await page.evaluate(() => document.querySelectorAll("li > details").forEach((details) => details.setAttribute("open", "")));
    await press(page, "Use Llama 3.2 1B Instruct Q8_0");
    await page.waitForFunction(() => window.app.model.choice === "llama-3.2-1b-instruct:Q8_0");
    expect(new URL(page.url()).hash).toBe("");
  });
});

describe("another model", () => {
  it("comes by its address", async () => {
    const page = await manager();
    await look(page, "https://example.org/mine-Q4_K_M.gguf");
    await page.waitForSelector(".found.one");
    expect(await textOf(page, ".found.one")).toContain("mine-Q4_K_M.gguf Q4_K_M · 4.9 GB");
    await page.click(".found.one .primary");
    await page.waitForFunction(() => window.app.model.choice === "https://example.org/mine-Q4_K_M.gguf");
  });

  it("comes from a repository, in the quantization that suits, of the revision one wants", async () => {
    const page = await manager();
    await look(page, "owner/Llama-3.2-1B-Instruct-GGUF");
    await page.waitForSelector(".repository .badge");
    expect(await textOf(page, ".repository li:has(.badge) .name")).toBe("Q5_K_M Recommended");
    await page.select(".repository select", "v2");
    await page.waitForFunction(() => window.app.shelf.offer?.kind === "repository" && window.app.shelf.address.endsWith("@v2"));
    await page.waitForSelector(".repository .badge");
    await page.click(".repository li:has(.badge) .primary");
    await page.waitForFunction(
      () => window.app.model.choice === "owner/Llama-3.2-1B-Instruct-GGUF/Llama-3.2-1B-Instruct-Q5_K_M.gguf",
    );
  });

  it("that wants a token asks for one, and is looked at again with it", async () => {
    const page = await manager("&look=unauthorized");
    await look(page, "gated/name");
    await page.waitForSelector("#model-token");
    await page.type("#model-token", "hf_secret");
    await press(page, "Try with it");
    await page.waitForSelector(".repository li");
    expect(await page.evaluate(() => [...window.engine.tokens])).toEqual([["https://huggingface.co", "hf_secret"]]);
  });

  it("that is not there is said to be so", async () => {
    const page = await manager("&look=not_found");
    await look(page, "https://example.org/missing.gguf");
    await page.waitForSelector(".found[role=alert]");
    expect(await textOf(page, ".found[role=alert]")).toContain("There is no model at that address");
  });

  it("is read from the disk, and several files of a split one together", async () => {
    const page = await manager();
    const [chooser] = await Promise.all([page.waitForFileChooser(), press(page, "Open a GGUF file")]);
    expect(chooser.isMultiple()).toBe(true);
    await chooser.cancel();
    await page.evaluate(() => {
      const carried = new DataTransfer();
      for (const part of [1, 2]) carried.items.add(new File(["GGUF"], `mine-0000${part}-of-00002.gguf`));
      for (const type of ["dragenter", "dragover", "drop"])
        window.dispatchEvent(new DragEvent(type, { dataTransfer: carried, bubbles: true, cancelable: true }));
    });
    await page.waitForFunction(() => Array.isArray(window.app.model.choice) && window.app.model.choice.length === 2);
  });
});

describe("a download", () => {
  it("pauses, goes on, and is removed", async () => {
    const page = await manager("&downloadMs=20000");
    await page.evaluate(() => document.querySelectorAll("li > details").forEach((details) => details.setAttribute("open", "")));
    await press(page, "Download only");
    await page.waitForSelector("[aria-labelledby=stored-title] [role=progressbar][aria-valuenow]");
    await page.$eval("[aria-labelledby=stored-title] [aria-label^=Pause]", (button) => (button as HTMLElement).click());
    await page.waitForSelector("[aria-labelledby=stored-title] ::-p-text(, paused)");
    await page.evaluate(() => (window.engine.script.downloadMs = 300));
    await press(page, "Go on");
    await page.waitForFunction(
      () => window.app.model.stored.length === 2 && window.app.model.stored.every(({ complete }) => complete),
    );
    await page.click('[aria-label="Actions for SmolLM2 1.7B Instruct"]');
    await (await page.waitForSelector("[role=menu]:popover-open [role=menuitem]:last-child"))!.click();
    await page.waitForFunction(() => window.app.model.stored.length === 1);
    await page.waitForSelector(".toast ::-p-text(Removed SmolLM2 1.7B Instruct: 1.1 GB are free again)");
  });

  it("that finds the disk full offers what to remove, and goes on", async () => {
    const page = await manager("&download=disk_full");
    await page.evaluate(() => void window.app.shelf.download("llama-3.1-8b-instruct", "Llama 3.1 8B Instruct"));
    await page.waitForSelector(".note[role=alert]");
    await press(page, "Remove, frees 98 MB");
    await page.waitForFunction(() => !window.app.model.stored.some(({ id }) => id === "smollm2-135m-instruct"));
    await page.click(".note .primary");
    await page.waitForFunction(() => window.app.shelf.transfers.length === 0);
  });
});
