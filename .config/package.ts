// Makes cria.js into a package: dist/package/, with a package.json of its own, and a tarball where `npm run package -- FOLDER` asks for one.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, defaultClientConditions } from "vite";
import { declarations } from "./library-types.ts";

const ROOT = join(import.meta.dirname, "..");
const API = join(ROOT, "web", "api");

/** Builds the package into a folder, which is emptied first. */
export async function buildPackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  // One folder, flat: a bundler that knows no workers needs these files beside its bundle and nothing else.
  const output = { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js", assetFileNames: "[name]-[hash][extname]" };
  await build({
    configFile: false,
    root: join(ROOT, "web"),
    base: "./",
    publicDir: false,
    logLevel: "warn",
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
    worker: { format: "es", rollupOptions: { output: { ...output, entryFileNames: "[name]-[hash].js" } } },
    define: { "import.meta.env.DEV": "false" },
    build: {
      outDir: join(folder, "dist"),
      emptyOutDir: true,
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1000,
      modulePreload: { polyfill: false },
      rollupOptions: { preserveEntrySignatures: "exports-only", input: join(API, "cria.ts"), output },
    },
  });
  for (const file of readdirSync(join(folder, "dist")).filter((name) => name.endsWith(".js"))) {
    const path = join(folder, "dist", file);
    writeFileSync(path, forBundlers(readFileSync(path, "utf8")));
  }
  writeFileSync(join(folder, "dist", "cria.d.ts"), declarations());
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
  copyFileSync(join(API, "README.md"), join(folder, "README.md"));
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  copyFileSync(join(ROOT, "public", "catalogue.json"), join(folder, "catalogue.json"));
}

/** Packs a built package into a tarball in `target`, whose path comes back. */
export function packPackage(folder: string, target: string): string {
  mkdirSync(target, { recursive: true });
  const said = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", target], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(said) as [{ readonly filename: string }];
  return join(target, filename);
}

/**
 * Bundlers find a worker where its address is written out in the call that starts it, which Vite's own output does not do. The address that
 * is kept for pages on another origin is put together, so that no bundler takes it for a picture to copy.
 */
export function forBundlers(code: string): string {
  const started =
    /new Worker\(\s*new URL\(\s*(?:\/\*[^*]*\*\/\s*)?new URL\((["'`])([^"'`]+)\1,\s*import\.meta\.url\)\.href,\s*(?:""|''|``)\s*\+\s*import\.meta\.url\s*\)/g;
  const kept = /new URL\((["'`])([^"'`]+\.worker-[^"'`]+\.js)\1,\s*import\.meta\.url\)\.href/g;
  return code
    .replace(started, 'new Worker(new URL("./$2", import.meta.url)')
    .replace(kept, 'new URL("./"+"$2", import.meta.url).href');
}

function manifest(): object {
  const { name, version, description, license } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<
    string,
    string
  >;
  return {
    ...{ name, version, description, license },
    keywords: ["llama", "llm", "gguf", "webgpu", "wasm", "browser", "openai"],
    type: "module",
    sideEffects: false,
    exports: {
      ".": { types: "./dist/cria.d.ts", default: "./dist/cria.js" },
      "./dist/*": "./dist/*",
      "./package.json": "./package.json",
    },
    types: "./dist/cria.d.ts",
    files: ["dist", "catalogue.json"],
  };
}

if (process.argv[1] === import.meta.filename) {
  const folder = join(ROOT, "dist", "package");
  await buildPackage(folder);
  console.log(packPackage(folder, process.argv[2] ?? join(ROOT, "dist")));
}
