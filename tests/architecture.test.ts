// Holds the code to its plan: who may import whom, no cycles, no browser globals inside the engine, no file too long.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = /\.(ts|svelte|wgsl)$/;

/** Places and what they may import, as path prefixes; a place may always import itself. The longest matching prefix counts. */
const LAYERS: Record<string, readonly string[]> = {
  "shaders/": [],
  "workers/engine/base/": ["shaders/quant/"],
  "workers/engine/gguf/": ["workers/engine/base/", "shaders/quant/"],
  "workers/engine/text/": ["workers/engine/base/"],
  "workers/engine/chat/": ["workers/engine/base/", "workers/engine/tools/"],
  "workers/engine/gpu/": ["workers/engine/base/", "shaders/"],
  "workers/engine/cpu/": ["workers/engine/base/", "shaders/quant/"],
  "workers/engine/weights/": [
    "workers/engine/base/",
    "workers/engine/gguf/",
    "workers/engine/gpu/",
    "workers/engine/cpu/",
    "shaders/quant/",
  ],
  "workers/engine/grammar/": ["workers/engine/base/", "workers/engine/text/"],
  "workers/engine/tools/": ["workers/engine/base/", "workers/engine/grammar/"],
  "workers/engine/checkpoint/": ["workers/engine/base/", "workers/engine/gguf/", "workers/engine/text/", "shaders/quant/"],
  "workers/engine/adapters/": ["workers/engine/base/", "workers/engine/gguf/", "workers/engine/checkpoint/", "shaders/quant/"],
  "workers/engine/convert/": ["workers/engine/base/", "workers/engine/gguf/", "workers/engine/checkpoint/", "shaders/quant/"],
  "workers/engine/decode/": ["workers/engine/base/", "workers/engine/text/", "workers/engine/model/", "workers/engine/grammar/"],
  "workers/engine/model/": [
    "workers/engine/base/",
    "workers/engine/gguf/",
    "workers/engine/weights/",
    "workers/engine/text/",
    "workers/engine/gpu/",
    "workers/engine/cpu/",
    "shaders/quant/",
  ],
  "workers/engine/advise/": [
    "workers/engine/base/",
    "workers/engine/model/",
    "workers/engine/weights/",
    "workers/engine/cpu/",
    "shaders/quant/",
  ],
  "workers/engine/onnx/": [
    "workers/engine/base/",
    "workers/engine/gguf/",
    "workers/engine/checkpoint/",
    "workers/engine/convert/",
    "workers/engine/text/",
    "workers/engine/chat/",
    "shaders/quant/",
  ],
  "workers/engine/evaluate/": ["workers/engine/base/"],
  "workers/engine/": ["workers/engine/", "shaders/"],
  "workers/store/": ["workers/engine/base/"],
  "workers/": ["workers/"],
  "workers/library/": ["workers/engine/", "workers/store/"],
  "workers/server/": ["workers/engine/base/", "workers/store/facts.ts"],
  "workers/endpoint/": ["workers/engine/base/", "workers/relay/", "workers/client/"],
  "workers/client/": [
    "workers/engine/base/",
    "workers/relay/",
    "workers/llm.worker.ts",
    "workers/program.ts",
    "workers/server.worker.ts",
    "workers/server/",
    "workers/store.worker.ts",
    "workers/threads.ts",
  ],
  "web/": ["web/"],
  "web/lib/": ["workers/engine/base/", "workers/engine/evaluate/"],
  "web/parts/": ["web/lib/", "workers/engine/base/", "workers/engine/evaluate/"],
  "web/state/": ["web/lib/", "workers/client/", "workers/engine/base/", "workers/engine/evaluate/"],
  "web/api/": ["workers/client/", "workers/engine/base/"],
  "web/panels/": ["web/state/", "web/parts/", "web/lib/", "workers/engine/base/", "workers/engine/evaluate/"],
  "web/embed/": ["web/state/", "web/parts/", "web/lib/", "workers/engine/base/"],
  "web/cli/": ["web/api/", "public/", "shaders/quant/", "workers/engine/"],
};

const files = ["shaders", "workers", "web"].flatMap((top) => walk(join(ROOT, top))).filter((file) => SOURCE.test(file));
const sources = new Map(files.map((file) => [relative(ROOT, file), readFileSync(file, "utf8")]));
const imports = new Map([...sources].map(([file, text]) => [file, importsOf(file, text)]));

describe("the architecture", () => {
  it("lets no import climb", () => {
    const climbing = [...imports].flatMap(([from, targets]) => {
      const place = placeOf(from);
      return targets
        .filter((to) => !to.startsWith(place) && !LAYERS[place]!.some((allowed) => to.startsWith(allowed)))
        .map((to) => `${from} -> ${to}`);
    });
    expect(climbing).toEqual([]);
  });

  it("has no import cycle", () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      if (done.has(file) || path.includes(file)) return;
      for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of imports.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("keeps browser globals out of the engine", () => {
    const global =
      /(?<![.\w"'`/-])((window|self|navigator|indexedDB|document|localStorage)\s*[.[(]|caches\.(open|match|keys|has|delete)\()/;
    const users = engineFiles().filter(([, text]) =>
      withoutComments(text)
        .split("\n")
        .some((line) => global.test(line)),
    );
    expect(users.map(([file]) => file)).toEqual([]);
  });

  it("keeps files to a few screens", () => {
    const long = [...sources].filter(([file, text]) => text.split("\n").length - 1 > (file.endsWith(".wgsl") ? 150 : 300));
    expect(long.map(([file]) => file)).toEqual([]);
  });

  it("says on the first line what a file is for", () => {
    const silent = [...sources].filter(
      ([file, text]) => !(file.endsWith(".svelte") ? /^<!--|^<script[^>]*>\s*\/\// : /^\/\/ /).test(text),
    );
    expect(silent.map(([file]) => file)).toEqual([]);
  });

  it("uses index.ts for registries alone", () => {
    const indexes = [...sources.keys()].filter((file) => file.endsWith("/index.ts"));
    const reexporting = indexes.filter((file) => /^export (\*|\{[^}]*\}) from/m.test(sources.get(file)!));
    expect(reexporting).toEqual([]);
  });
});

function engineFiles(): [string, string][] {
  return [...sources].filter(([file]) => file.startsWith("workers/engine/") && !file.includes("/assembly/"));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

function placeOf(file: string): string {
  const places = Object.keys(LAYERS).filter((place) => file.startsWith(place));
  return places.sort((a, b) => b.length - a.length)[0]!;
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "build" || entry.name === "node_modules") return [];
    return entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)];
  });
}

/** Relative imports of a file, as paths from the root. */
function importsOf(file: string, text: string): string[] {
  const found = withoutComments(text).matchAll(/(?:\bfrom|\bimport|import\()\s*["'](\.[^"']+)["']/g);
  return [...found].map((match) => normalize(join(dirname(file), match[1]!.replace(/\?.*$/, ""))));
}
