// A model that may take half its memory, in the browser: the same words, its layers read from the store for each of them.
import { expect, it } from "vitest";
import type * as Library from "../../web/api/cria.ts";
import { openChromium, serveApp } from "./browser.ts";

declare const window: Window & { readonly library: typeof Library };

it("answers the same from layers that are read for each token as from memory", async () => {
  const server = await serveApp();
  const { browser, close } = await openChromium();
  try {
    const page = (await browser.pages())[0]!;
    await page.goto(server.url);
    await page.waitForFunction(() => crossOriginIsolated);
    await page.evaluate(`import("/cria.js").then((library) => void (window.library = library))`);
    const [whole, part] = await page.evaluate(
      async (...budgets: (number | null)[]) => {
        const { load } = window.library;
        const answers = [];
        for (const memoryBytes of budgets) {
          const memory = memoryBytes === null ? {} : { memoryBytes };
          const cria = await load({ model: "smollm2-135m-instruct", backend: "wasm", contextLength: 256, ...memory });
          const request = { prompt: "The capital of France is", max_tokens: 6, temperature: 0 };
          const { choices } = await cria.completions.create(request);
          const { streamedBytes = 0, memoryBytes: held, reason } = cria.info;
          answers.push({ text: choices[0].text, streamedBytes, held, reason });
          await cria.unload();
        }
        return answers;
      },
      null,
      56e6,
    );
    expect(whole).toMatchObject({ text: expect.stringContaining("Paris"), streamedBytes: 0 });
    expect(part!.text).toBe(whole!.text);
    expect(part!.streamedBytes).toBeGreaterThan(40e6);
    expect(part!.held).toBeLessThan(57e6); // memory comes in pages
    expect(part!.reason).toMatch(/layers are read from storage .* A pass reads 0\.0\d GB/);
  } finally {
    await close();
    await server.close();
  }
});
