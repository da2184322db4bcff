// Builds workers/sw.ts into dist/sw.js: one classic script (Firefox takes no module service workers) that knows every file of the build.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { build, type Plugin, type ResolvedConfig } from "vite";
import type { Precache } from "../workers/precache.ts";

const ENTRY = join(import.meta.dirname, "..", "workers", "sw.ts");
/** Never cached: not asked for by a page, a model, which the store keeps, or a list that has to hold from the moment it is changed. */
const LEFT_OUT = [/^sw\.js$/, /^_headers$/, /\.map$/, /\.d\.ts$/, /^models\//, /^embed\.json$/, /^examples\//];
/** Cached when it is first asked for: the ONNX runtime, 14 MB and more, which few people need, and the model of the demonstration. */
const ON_DEMAND = [/^assets\/ort[.-]/, /^builtin\/.+\.gguf$/];

/** The plugin that writes dist/sw.js once everything else is there. */
export function serviceWorker(): Plugin {
  let config: ResolvedConfig;
  return {
    name: "cria:service-worker",
    apply: "build",
    configResolved(resolved) {
      config = resolved;
    },
    writeBundle: {
      order: "post",
      sequential: true,
      async handler() {
        const result = await build({
          configFile: false,
          root: join(import.meta.dirname, ".."),
          logLevel: "warn",
          publicDir: false,
          define: { PRECACHE: JSON.stringify(precacheOf(config.build.outDir)) },
          build: {
            write: false,
            target: config.build.target || "baseline-widely-available",
            rollupOptions: { input: ENTRY, output: { format: "iife", entryFileNames: "sw.js" } },
          },
        });
        if (!("output" in result)) throw new Error("The service worker did not build into one file.");
        writeFileSync(join(config.build.outDir, "sw.js"), result.output[0].code);
      },
    },
  };
}

/** Lists the files of a finished build. */
export function precacheOf(folder: string): Precache {
  const paths = walk(folder)
    .map((file) => relative(folder, file).split(sep).join("/"))
    .filter((path) => !LEFT_OUT.some((pattern) => pattern.test(path)))
    .sort();
  const hash = createHash("sha256");
  for (const path of paths) hash.update(path).update(readFileSync(join(folder, path)));
  const hashed = paths.filter((path) => path.startsWith("assets/"));
  const isOnDemand = (path: string): boolean => ON_DEMAND.some((pattern) => pattern.test(path));
  return {
    version: hash.digest("hex").slice(0, 12),
    hashed: hashed.filter((path) => !isOnDemand(path)),
    onDemand: paths.filter(isOnDemand),
    named: paths.filter((path) => !path.startsWith("assets/") && !isOnDemand(path)),
  };
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
