// How much memory a process has held at most, and how much processor time it has used, as Linux counts them.
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

/** Processor time of all of the browser's processes of the kinds so far, in milliseconds; 0 where /proc does not say. */
export async function processorMs(browser: Browser, kinds: readonly string[]): Promise<number> {
  const session = await browser.target().createCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const TICK_MS = 10; // USER_HZ is 100
  let ticks = 0;
  for (const { id, type } of processInfo) {
    if (!kinds.includes(type)) continue;
    // The name, in brackets, may hold spaces; user and system time are the 12th and 13th field after it.
    const fields = /\) (.+)$/s.exec(readFileSync(`/proc/${String(id)}/stat`, "utf8"))?.[1]?.split(" ") ?? [];
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * TICK_MS;
}
