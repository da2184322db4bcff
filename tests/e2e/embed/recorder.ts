// A proxy that everything a browser does goes through, pages, frames, workers and service workers alike: what it did not see was not asked.
import { createServer, request as ask } from "node:http";
import { listen } from "../browser.ts";

export interface Recorder {
  /** Flags that send Chromium through it, its own machine's addresses too. */
  readonly flags: readonly string[];
  /** Every origin that was asked for, once. */
  readonly origins: ReadonlySet<string>;
  close(): Promise<void>;
}

/** Starts the proxy. What is encrypted is recorded and refused: nothing in these tests is. */
export async function startRecorder(): Promise<Recorder> {
  const origins = new Set<string>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "");
    origins.add(url.origin);
    const forwarded = ask(url, { method: request.method ?? "GET", headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    response.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  });
  server.on("connect", (request, socket) => {
    origins.add(`https://${request.url ?? ""}`);
    socket.destroy();
  });
  const { url, close } = await listen(server);
  return { flags: [`--proxy-server=${new URL(url).host}`, "--proxy-bypass-list=<-loopback>"], origins, close };
}
