// Builds the widget with the double into a folder, as the app itself is built.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { buildElement } from "../../../../.config/widget.ts";

const ROOT = join(import.meta.dirname, "../../../..");

/** The folder of the finished widget. */
export async function buildWidget(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "cria-widget-"));
  await build({
    configFile: false,
    root: import.meta.dirname,
    base: "./",
    publicDir: join(ROOT, "public"),
    logLevel: "warn",
    plugins: [svelte({ configFile: false })],
    worker: { format: "es" },
    build: {
      outDir: folder,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      target: "es2022",
      rollupOptions: { input: join(import.meta.dirname, "embed.html") },
    },
  });
  writeFileSync(join(folder, "cria-chat.js"), await buildElement());
  return folder;
}
