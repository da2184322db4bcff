// Drives WebKitGTK's MiniBrowser over the W3C WebDriver protocol: a page to open, scripts to run in it, no more.
// Source: w3.org/TR/webdriver2; WebKitWebDriver of Debian's webkit2gtk-driver, under a virtual screen.
import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { findBrowser } from "../../web/cli/browsers.ts";

/** A page of a browser that is no Chromium. */
export interface DrivenPage {
  open(url: string): Promise<void>;
  /** Runs the body of an async function in the page; its JSON value comes back. Throws what the script threw. */
  evaluate(body: string): Promise<unknown>;
  /** The same in the page's frame whose address has `part` in it, as soon as there is one. */
  evaluateInFrame(part: string, body: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts a MiniBrowser with an empty profile. */
export async function openWebKit(): Promise<DrivenPage> {
  const port = await freePort();
  const driver = spawn("xvfb-run", ["-a", findBrowser("webkit"), `--port=${port}`], { stdio: "ignore", detached: true });
  const command = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body ? JSON.stringify(body) : null });
    const { value } = Object(await response.json());
    if (!response.ok) throw new Error(`WebDriver: ${value?.error}: ${value?.message}`);
    return value;
  };
  try {
    const started = await retry(() => command("POST", "/session", { capabilities: { alwaysMatch: {} } }));
    const session = `/session/${Object(started).sessionId}`;
    await command("POST", `${session}/timeouts`, { script: 300_000, pageLoad: 60_000 });
    const evaluate = async (body: string): Promise<unknown> => {
      const script = `const done = arguments[arguments.length - 1];
          (async () => { ${body} })().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const result = Object(await command("POST", `${session}/execute/async`, { script, args: [] }));
      if (typeof result.error === "string") throw new Error(result.error);
      return result.value;
    };
    return {
      async open(url) {
        await command("POST", `${session}/url`, { url });
      },
      evaluate,
      async evaluateInFrame(part, body) {
        // By its element: neither WebDriver's numbers nor window.length know the frames of shadow trees.
        const find = `return [document, ...[...document.querySelectorAll("*")].flatMap((element) => element.shadowRoot ?? [])]
          .flatMap((tree) => [...tree.querySelectorAll("iframe")]).find((frame) => frame.src.includes(${JSON.stringify(part)})) ?? null;`;
        for (let tries = 0; tries < 200; tries++) {
          const id = await evaluate(find);
          if (id !== null) {
            await command("POST", `${session}/frame`, { id });
            try {
              return await evaluate(body);
            } finally {
              await command("POST", `${session}/frame`, { id: null });
            }
          }
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        throw new Error(`No frame's address has ${part} in it.`);
      },
      async close() {
        await command("DELETE", session).catch(() => undefined); // a browser that died is closed too
        stop(driver);
      },
    };
  } catch (error) {
    stop(driver);
    throw error;
  }
}

async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** xvfb-run, the screen, the driver and the browser are one process group. */
function stop(driver: ChildProcess): void {
  if (driver.pid === undefined) return;
  try {
    process.kill(-driver.pid, "SIGTERM");
  } catch {
    // gone already
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
