// Numbers and dates as people read them.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** "98 MB", "1.4 GB": decimal units, as file managers show them, with two digits that matter. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = value < 9.95 && unit > 1 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** "135M", "1.1B": parameters as model names give them. */
export function formatParameters(count: number): string {
  if (count >= 1e9) return `${trim(count / 1e9)}B`;
  return count >= 1e6 ? `${Math.round(count / 1e6)}M` : count.toLocaleString("en");
}

/** "a few seconds", "40 seconds", "3 minutes", "2 hours": time left, rounded so that it doesn't flicker. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 6) return "a few seconds";
  if (seconds < 55) return `${Math.ceil(seconds / 5) * 5} seconds`;
  if (seconds < 3300) return plural(Math.max(1, Math.round(seconds / 60)), "minute");
  return plural(Math.max(1, Math.round(seconds / 3600)), "hour");
}

/** "24.3" below 100, "140" above: tokens per second. */
export function formatRate(perSecond: number): string {
  return perSecond < 99.95 ? perSecond.toFixed(1) : Math.round(perSecond).toString();
}

/** "2,048". */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** "1 token", "2 tokens". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The heading a conversation stands under: "Today", "Yesterday", "Last 7 days", "Last 30 days", or "March 2026". */
export function dateGroup(at: number, now: number): string {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const day = 86_400_000;
  if (at >= midnight) return "Today";
  if (at >= midnight - day) return "Yesterday";
  if (at >= midnight - 7 * day) return "Last 7 days";
  if (at >= midnight - 30 * day) return "Last 30 days";
  return new Date(at).toLocaleDateString("en", { month: "long", year: "numeric" });
}

function trim(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, "");
}
