// Finds the browsers that tests and `npm run ask` drive, or installs them: Debian's packages, else Playwright's builds.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A browser, where it may be, and who brings it. */
interface Recipe {
  /** Environment variable that names it. */
  readonly variable: string;
  readonly paths: readonly string[];
  /** Debian packages that hold it. */
  readonly packages: readonly string[];
  /** Name of Playwright's build, and the program inside; null where Playwright has none that we can drive. */
  readonly playwright: { readonly name: string; readonly program: RegExp } | null;
}

const RECIPES = {
  chromium: {
    variable: "CRIA_CHROMIUM",
    paths: [
      "/usr/bin/chromium",
      "/usr/bin/chromium-browser",
      "/usr/bin/google-chrome",
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
      "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    ],
    packages: ["chromium"],
    playwright: { name: "chromium", program: /[/\\](chrome|chrome\.exe|Chromium|Google Chrome for Testing)$/ },
  },
  firefox: {
    variable: "CRIA_FIREFOX",
    paths: ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"],
    packages: ["firefox-esr"],
    playwright: null,
  },
  webkit: {
    variable: "CRIA_WEBKIT_DRIVER",
    paths: ["/usr/bin/WebKitWebDriver"],
    packages: ["webkit2gtk-driver", "xvfb"],
    playwright: null,
  },
} as const satisfies Record<string, Recipe>;

export type BrowserName = keyof typeof RECIPES;

/** Path of a browser (of WebKitWebDriver for webkit), installed if need be. Throws, saying what to install by hand. */
export function findBrowser(name: BrowserName): string {
  const recipe: Recipe = RECIPES[name];
  const found = lookFor(recipe);
  if (found) return found;
  console.log(`Installing ${name}, which the tests drive`);
  if (existsSync("/usr/bin/apt-get")) installPackages(recipe.packages);
  else if (recipe.playwright)
    spawnSync("npx", ["--yes", "playwright", "install", recipe.playwright.name], { stdio: "inherit", shell: true });
  const installed = lookFor(recipe);
  if (installed) return installed;
  throw new Error(`No ${name} found. Install ${recipe.packages.join(", ")}, or set ${recipe.variable} to its program.`);
}

function lookFor(recipe: Recipe): string | null {
  const named = process.env[recipe.variable];
  if (named) return named;
  return recipe.paths.find((path) => existsSync(path)) ?? (recipe.playwright ? playwrightBuild(recipe.playwright.program) : null);
}

function installPackages(packages: readonly string[]): void {
  aptGet("update", "-qq");
  aptGet("install", "-y", "-qq", "--no-install-recommends", ...packages);
}

/** Runs apt-get, as root or by sudo where that asks for no password. */
export function aptGet(...words: string[]): void {
  const [program, ...rest] = process.getuid?.() === 0 ? ["apt-get", ...words] : ["sudo", "-n", "apt-get", ...words];
  spawnSync(program!, rest, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}

function playwrightBuild(program: RegExp): string | null {
  const caches = [".cache/ms-playwright", "Library/Caches/ms-playwright", "AppData/Local/ms-playwright"].map((path) =>
    join(homedir(), path),
  );
  for (const cache of caches.filter((path) => existsSync(path))) {
    const file = readdirSync(cache, { recursive: true, encoding: "utf8" }).find((name) => program.test(name));
    if (file) return join(cache, file);
  }
  return null;
}
