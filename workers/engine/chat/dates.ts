// Dates for templates, as Python's strftime writes them in English whatever the browser's language: prompts are what a model was trained on.

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Python's strftime, of its codes those that prompts use. Others stay as they are. */
export function formatDate(date: Date, format: string): string {
  return format.replace(/%(-?[a-zA-Z%])/g, (whole, code: string) => CODES[code]?.(date) ?? whole);
}

const CODES: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  "-d": (date) => String(date.getDate()),
  "-m": (date) => String(date.getMonth() + 1),
  B: (date) => MONTHS[date.getMonth()],
  b: (date) => MONTHS[date.getMonth()].slice(0, 3),
  A: (date) => DAYS[date.getDay()],
  a: (date) => DAYS[date.getDay()].slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
};

function two(value: number): string {
  return String(value).padStart(2, "0");
}
