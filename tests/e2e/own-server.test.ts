// A server of one's own, in Chromium: nothing is asked of it before it is turned on, it answers while it is, and nothing else is reached.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { headersFor } from "../../.config/headers.ts";
import { listen, openChromium, type AppServer, type TestBrowser } from "./browser.ts";
import { serveCria, type Site } from "./embed/site.ts";
import { findings } from "./page/open.ts";

interface Asked {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: Record<string, unknown>;
}

let chromium: TestBrowser;
let site: Site;
let server: AppServer;
let asked: Asked[];
/** How the fake server behaves. */
let behaviour: { cors: boolean; key: string | null; endless: boolean };
/** Requests whose client left. */
let left: number;
let page: Page;

beforeAll(async () => {
  site = await serveCria();
  chromium = await openChromium();
  server = await listen(createServer((request, response) => void answer(request, response)));
});
afterAll(async () => {
  await chromium.close();
  await server.close();
  await site.close();
});
beforeEach(async () => {
  asked = [];
  left = 0;
  behaviour = { cors: true, key: null, endless: false };
  const context = await chromium.browser.createBrowserContext();
  page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.reload(); // the first visit may go on to reload for its threads
});
afterEach(() => page.browserContext().close());

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (behaviour.cors)
    response.setHeaders(new Headers({ "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" }));
  if (request.method === "OPTIONS") return void response.writeHead(204).end();
  let text = "";
  for await (const piece of request) text += String(piece);
  const body = JSON.parse(text || "{}") as Record<string, unknown>;
  asked.push({ path: request.url ?? "", key: request.headers.authorization, body });
  if (behaviour.key && request.headers.authorization !== `Bearer ${behaviour.key}`)
    return void response.writeHead(401).end('{"error":{"message":"wrong key"}}');
  if (request.url === "/v1/models") return void response.end('{"data":[{"id":"llama-70b"},{"id":"llama-8b"}]}');
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const say = (content: string, finish: string | null = null): void =>
    void response.write(`data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`);
  for (const word of ["Hello ", "from ", "afar."]) say(word);
  if (behaviour.endless) {
    const timer = setInterval(() => say("and "), 20);
    return void response.on("close", () => (left++, clearInterval(timer)));
  }
  say("", "stop");
  response.end("data: [DONE]\n\n");
}

async function turnOn(key = "", address = server.url): Promise<void> {
  await page.evaluate(() => void (location.hash = "#settings"));
  await page.waitForSelector("#server-address");
  await page.type("#server-address", address);
  if (key) await page.type("#server-key", key);
  await page.click("form .primary");
  await page.waitForFunction(() => document.querySelector("#server-model, [role=alert]") !== null);
}

async function ask(question: string): Promise<void> {
  await page.evaluate(() => void (location.hash = ""));
  await page.waitForFunction(() => !document.querySelector("dialog"));
  await page.type("form textarea", question);
  await page.keyboard.press("Enter");
}

const shows = (text: string): Promise<unknown> =>
  page.waitForFunction((text) => document.body.textContent.includes(text), { timeout: 10_000 }, text);

it("asks nothing of it while it is off, and the page itself may not reach it", async () => {
  await page.evaluate(() => void (location.hash = "#settings"));
  await page.waitForSelector("#server-address");
  await page.type("#server-address", server.url);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const program = site.requests.find(({ path }) => path.includes("server.worker-"))?.path;
  expect(asked).toEqual([]);
  const reached = await page.evaluate(
    (url) =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    server.url,
  );
  expect(reached).toBe(false);
  // the worker that would talk to it may reach nothing, from the service worker or from the host
  const policy = await page.evaluate(
    async (program) => (await fetch(program)).headers.get("Content-Security-Policy"),
    program ?? "",
  );
  expect(policy).toContain("connect-src 'none'");
  expect(headersFor("/assets/server.worker-x.js")["Content-Security-Policy"]).toContain("connect-src 'none'");
});

it("answers from it once it is on, says so, and again on this device when it is off", async () => {
  await turnOn("secret");
  expect(asked).toEqual([{ path: "/v1/models", key: "Bearer secret", body: {} }]);
  expect(await findings(page)).toEqual([]);
  await page.select("#server-model", "llama-8b");
  await ask("Where are you?");
  await shows("Hello from afar.");
  await shows("What you write leaves this device");
  expect(await page.$eval(".status", (status) => status.textContent)).toContain("llama-8b on localhost");
  const { path, body } = asked.at(-1)!;
  expect(path).toBe("/v1/chat/completions");
  expect(body).toMatchObject({ model: "llama-8b", stream: true, messages: [{ role: "user", content: "Where are you?" }] });
  // a reload finds it on
  await page.reload();
  await shows("What you write leaves this device");
  await page.click(".notice .link");
  await page.waitForFunction(() => !document.body.textContent.includes("What you write leaves this device"));
});

it("lets nothing else be reached while it is on", async () => {
  await turnOn();
  const other = await listen(
    createServer((_, response) => void response.writeHead(200, { "Access-Control-Allow-Origin": "*" }).end()),
  );
  const worker = page.workers().find((worker) => worker.url().includes("server.worker-"))!;
  const reach = (url: string): Promise<boolean> =>
    worker.evaluate(
      (url) =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      url,
    );
  expect(await reach(`${server.url}v1/models`)).toBe(true);
  expect(await reach(other.url)).toBe(false);
  await other.close();
});

it("stops on the server too", async () => {
  behaviour.endless = true;
  await turnOn();
  await ask("Go on for ever.");
  await shows("Hello from afar.");
  await page.keyboard.press("Escape");
  for (let tries = 0; tries < 100 && left === 0; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(left).toBe(1);
});

it.each([
  ["a key that is wrong", { key: "right" }, "", "401: wrong key"],
  ["a server that lets no pages in", { cors: false }, "", "CORS"],
  ["nobody there", {}, "http://localhost:9/v1", "could not be reached"],
  ["what is no address", {}, "ftp://x", "is no address of a server"],
])("says in words: %s", async (_, how, address, words) => {
  behaviour = { ...behaviour, ...how };
  await turnOn("", address || server.url);
  expect(await page.$eval("[role=alert]", (alert) => alert.textContent)).toContain(words);
  expect(await page.$("#server-model")).toBeNull();
});
