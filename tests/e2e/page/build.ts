// Builds the page with the double into a folder, as the app itself is built.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";

const ROOT = join(import.meta.dirname, "../../..");

/** The folder of the finished page. */
export async function buildPage(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "cria-page-"));
  await build({
    configFile: false,
    root: import.meta.dirname,
    base: "./",
    publicDir: join(ROOT, "public"),
    logLevel: "warn",
    plugins: [svelte({ configFile: false })],
    worker: { format: "es" },
    build: { outDir: folder, emptyOutDir: true, assetsInlineLimit: 0 },
  });
  return folder;
}
