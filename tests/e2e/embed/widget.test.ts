// The widget in a page of another site without any header, in three browsers: consent, download, an answer. And what is asked of the network.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obtainModel } from "../../../web/cli/model.ts";
import { openChromium, type TestBrowser } from "../browser.ts";
import { openFirefox } from "../firefox.ts";
import { openWebKit, type DrivenPage } from "../webkit.ts";
import { startRecorder } from "./recorder.ts";
import { serveCria, serveHost, type Site } from "./site.ts";

const ANSWER = "The capital of France is Paris.";

let cria: Site;
let host: Site;

beforeAll(async () => {
  await obtainModel();
  cria = await serveCria();
  host = await serveHost({ "/": pageOf(cria.url) });
});

afterAll(async () => {
  await host.close();
  await cria.close();
});

/** A page of another site, with the widget in it. */
const pageOf = (cria: string): string => `<!doctype html><html lang="en"><title>Elsewhere</title><h1>Elsewhere</h1>
  <script type="module" src="${cria}cria-chat.js"></script><cria-chat model="smollm2-135m-instruct"></cria-chat>`;

/** Asks in the page's name, without waiting: the visitor has to agree first. */
const ASK = `
  await customElements.whenDefined("cria-chat");
  const chat = document.querySelector("cria-chat");
  window.heard = [];
  for (const type of ["ready", "message", "error"]) chat.addEventListener(type, ({ detail }) => window.heard.push({ type, ...detail }));
  window.answer = chat.ask("What is the capital of France?");
  window.answer.catch(() => undefined);`;

/** In the frame: reads what the visitor is told. */
const READ = `
  for (let tries = 0; tries < 600 && !document.querySelector(".consent"); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
  const told = document.querySelector(".consent").innerText;
  // A worker's word: threads are started there. How many the engine takes depends on how busy the machine is.
  const program = 'postMessage(crossOriginIsolated && typeof SharedArrayBuffer === "function")';
  const worker = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
  const isolated = await new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
  worker.terminate();
  return { told, isolated };`;

/** In the frame: agrees. */
const AGREE = `document.querySelector(".consent .primary").click();`;

const HEAR = "return { answer: await window.answer, heard: window.heard };";

async function visit(page: DrivenPage): Promise<{ told: string; isolated: boolean; answer: string; ready: { threads: number } }> {
  try {
    await page.open(host.url);
    const before = cria.requests.length;
    await page.evaluate(ASK);
    const { told, isolated } = Object(await page.evaluateInFrame("embed.html", READ));
    const asked = cria.requests.slice(before).map(({ path }) => path);
    await page.evaluateInFrame("embed.html", AGREE);
    const { answer, heard } = Object(await page.evaluate(HEAR));
    const ready = heard.find(({ type }: { type: string }) => type === "ready");
    // before the visitor agreed: the frame's own files, nothing of a model, and no service worker that would fetch the whole app
    expect(asked.filter((path) => path.startsWith("/models/") || path === "/sw.js")).toEqual([]);
    return { told, isolated, answer, ready };
  } finally {
    await page.close();
  }
}

/** What Chromium asks for itself with an empty page too: updates, the clock, accounts, autofill. */
const BROWSERS_OWN = /^https?:\/\/(clients2|accounts)\.google\.com|^https?:\/\/(update|content-autofill)\.googleapis\.com/;

describe("a page of another site gets an answer", () => {
  it("in Chromium, on threads, and nobody but the two sites is ever asked for anything", async () => {
    const recorder = await startRecorder();
    const chromium = await openChromium(undefined, recorder.flags);
    try {
      const { told, isolated, answer } = await visit(await drive(chromium));
      expect(told).toContain(`98 MB, downloaded once from ${new URL(cria.url).host}`);
      expect({ isolated, answer }).toEqual({ isolated: true, answer: ANSWER });
      expect([...recorder.origins].filter((origin) => !BROWSERS_OWN.test(origin)).sort()).toEqual(
        [host.url, cria.url].map((url) => new URL(url).origin).sort(),
      );
    } finally {
      await chromium.close();
      await recorder.close();
    }
  });

  it("in Firefox, on one thread", async () => {
    const { told, isolated, answer, ready } = await visit(await openFirefox());
    expect(told).toContain("98 MB");
    expect({ isolated, answer, threads: ready.threads }).toEqual({ isolated: false, answer: ANSWER, threads: 1 });
  });

  it("in WebKitGTK, on one thread", async () => {
    const { told, isolated, answer, ready } = await visit(await openWebKit());
    expect(told).toContain("98 MB");
    expect({ isolated, answer, threads: ready.threads }).toEqual({ isolated: false, answer: ANSWER, threads: 1 });
  });
});

describe("a deployment whose host sends no headers", () => {
  it("has threads in Chromium from the second visit on, by its service worker", async () => {
    const plain = await serveCria({ headers: false });
    const chromium = await openChromium();
    try {
      const elsewhere = await serveHost({ "/": pageOf(plain.url) });
      const page = await drive(chromium);
      await page.open(elsewhere.url);
      await page.evaluate(ASK);
      const first = Object(await page.evaluateInFrame("embed.html", READ));
      await page.evaluateInFrame("embed.html", AGREE);
      await page.evaluate(HEAR);
      await page.evaluateInFrame("embed.html", "await navigator.serviceWorker.ready;");
      await page.open(elsewhere.url);
      await page.evaluate(ASK);
      const { answer } = Object(await page.evaluate(HEAR));
      const second = await page.evaluateInFrame(
        "embed.html",
        'return crossOriginIsolated && typeof SharedArrayBuffer === "function";',
      );
      expect([first.isolated, second, answer]).toEqual([false, true, ANSWER]);
      await elsewhere.close();
    } finally {
      await chromium.close();
      await plain.close();
    }
  });
});

describe("a model that is in Cria's own site already", () => {
  let chromium: TestBrowser;
  beforeAll(async () => {
    chromium = await openChromium();
    const page = await chromium.browser.newPage();
    await page.goto(`${cria.url}docs.html`);
    await page.mouse.click(5, 5); // browsers want the visitor to have used the site itself
    await page.evaluate(
      `import("${cria.url}cria.js").then(({ load }) => load({ model: "smollm2-135m-instruct" })).then((cria) => cria.unload())`,
    );
    await page.close();
  });
  afterAll(() => chromium.close());

  it("is not handed over where browser or visitor refuses, and the widget says so", async () => {
    const { browser } = chromium;
    const session = await browser.target().createCDPSession();
    await session.send("Browser.setPermission", { permission: { name: "storage-access" }, setting: "denied" });
    const page = await browser.newPage();
    await page.goto(host.url);
    await page.evaluate(`(async () => { ${ASK} })()`);
    const frame = await page.waitForFrame((frame) => frame.url().includes("embed.html"));
    const button = await frame.waitForSelector(".others ::-p-text(I have it in Cria already)");
    cria.requests.length = 0;
    await button!.click();
    await frame.waitForSelector("footer ::-p-text(does not let one site)");
    expect(cria.requests.filter(({ path }) => path.startsWith("/models/"))).toEqual([]);
  });
});

/** Chromium in the words of the other drivers. */
async function drive({ browser, close }: TestBrowser): Promise<DrivenPage> {
  const page = await browser.newPage();
  return {
    open: async (url) => void (await page.goto(url)),
    evaluate: (body) => page.evaluate(`(async () => { ${body} })()`),
    async evaluateInFrame(part, body) {
      const frame = await page.waitForFrame((frame) => frame.url().includes(part));
      await frame.waitForSelector("#widget > *"); // its process changes on the way there
      return frame.evaluate(`(async () => { ${body} })()`);
    },
    close,
  };
}
