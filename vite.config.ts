// How the app is built and served: web/ into dist/, workers as ES modules, cria.js and cria-chat.js under stable names, sw.js last.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { defaultClientConditions, defineConfig } from "vite";
import { productionHeaders } from "./.config/headers.ts";
import { libraryTypes } from "./.config/library-types.ts";
import { localModels } from "./.config/models.ts";
import { serviceWorker } from "./.config/service-worker.ts";
import { widget } from "./.config/widget.ts";
import { workers } from "./.config/workers.ts";

const WEB = join(import.meta.dirname, "web");
const PAGES = ["index.html", "embed.html", "docs.html"].filter((page) => existsSync(join(WEB, page)));
const LIBRARY = join(WEB, "api", "cria.ts");

export default defineConfig({
  root: WEB,
  // Relative, so that the build runs in any folder of any host.
  base: "./",
  publicDir: join(WEB, "..", "public"),
  // A missing file is a 404, not the start page.
  appType: "mpa",
  plugins: [svelte({ configFile: false }), productionHeaders(), localModels(), libraryTypes(), widget(), serviceWorker()],
  // onnxruntime without its program inside: that is a file of the app's, fetched when an ONNX model is opened.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: workers,
  server: { port: 4173, strictPort: true, fs: { allow: [join(WEB, "..")] } },
  preview: { port: 4173, strictPort: true },
  build: {
    outDir: join(WEB, "..", "dist"),
    emptyOutDir: true,
    // An inlined kernel would be parsed with every visit and needs data: in the policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      checks: { pluginTimings: false },
      preserveEntrySignatures: "exports-only",
      input: [...PAGES.map((page) => join(WEB, page)), ...(existsSync(LIBRARY) ? [LIBRARY] : [])],
      output: { entryFileNames: (chunk) => (chunk.facadeModuleId === LIBRARY ? "cria.js" : "assets/[name]-[hash].js") },
    },
  },
});
