// Builds the app where the build is older than what it is made of.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
/** What the build is made of. */
const SOURCES = ["web", "workers", "shaders", "public", ".config", "vite.config.ts", "package-lock.json"];

/** Leaves a build in dist/ that is as new as its sources. Throws when it fails; what it says goes to standard error. */
export function buildIfNeeded(): void {
  const built = join(ROOT, "dist/cria.js");
  if (existsSync(built) && SOURCES.every((source) => newest(join(ROOT, source)) < statSync(built).mtimeMs)) return;
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("The build failed; what it said stands above.");
}

/** When the newest file of a folder was changed. */
function newest(path: string): number {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(
    0,
    ...readdirSync(path)
      .filter((name) => name !== "build")
      .map((name) => newest(join(path, name))),
  );
}
