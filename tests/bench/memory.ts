// How much memory a process has held at most: its resident set, as Linux counts it.
import { readFileSync } from "node:fs";
import type { Browser } from "puppeteer-core";

/** Peak of the resident set in bytes; null where /proc does not say. */
export function peakMemory(pid: number): number | null {
  try {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null;
  }
}

/** The process of the browser that has held most of all of its kind: the page's, where one page is open. */
export async function largestProcess(browser: Browser, kind: "renderer" | "GPU"): Promise<number | null> {
  const session = await browser.target().createCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const pids = processInfo.filter(({ type }) => type === kind).map(({ id }) => id);
  return pids.sort((a, b) => (peakMemory(b) ?? 0) - (peakMemory(a) ?? 0))[0] ?? null;
}
