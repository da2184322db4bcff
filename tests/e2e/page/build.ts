// Builds pages with the double into a folder, as the app itself is built.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type BuildOptions } from "vite";

const ROOT = join(import.meta.dirname, "../../..");

/** The folder of the finished page. */
export function buildPage(): Promise<string> {
  return buildFolder("page", import.meta.dirname);
}

/** The folder of what `root` builds to; `name` is told in the folder's. */
export async function buildFolder(name: string, root: string, options: BuildOptions = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `cria-${name}-`));
  await build({
    configFile: false,
    root,
    base: "./",
    publicDir: join(ROOT, "public"),
    logLevel: "warn",
    plugins: [svelte({ configFile: false })],
    worker: { format: "es" },
    build: { outDir: folder, emptyOutDir: true, assetsInlineLimit: 0, ...options },
  });
  return folder;
}
