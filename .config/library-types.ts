// Writes cria.d.ts beside cria.js: the types of the library in one file, doc comments included, for pages written in TypeScript.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { Plugin } from "vite";

const BASE = join(import.meta.dirname, "..", "workers", "engine", "base");
const PROMPT_TYPES = join(import.meta.dirname, "..", "web", "api", "prompt-types.ts");
/** Modules whose types the library shows; they name one another, and nothing else but QuantName. */
const MODULES = [
  "cria",
  "adapters",
  "openai",
  "score",
  "wire",
  "advice",
  "details",
  "backend",
  "model",
  "errors",
  "conversion",
  "storage",
];

/** The plugin that writes the types into the build. */
export function libraryTypes(): Plugin {
  return {
    name: "cria:types",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "cria.d.ts", source: declarations() });
    },
  };
}

/** The declarations of all modules as one. */
export function declarations(): string {
  const parts = [...MODULES.map((name) => join(BASE, `${name}.ts`)), PROMPT_TYPES].map(declarationsOf);
  return [
    "// The types of cria.js, made from Cria's sources by its build.",
    "/** A GGUF tensor type, such as Q4_K. */\ntype QuantName = string;",
    ...parts,
    [
      "/** Foretells how models would do on this device, from their headers; measures it where that was not done before, or `again`. */",
      "export declare function advise(",
      "  subjects: readonly AdviceSubject[],",
      "  options?: { again?: boolean; signal?: AbortSignal },",
      "): Promise<readonly Advice[]>;",
    ].join("\n"),
    [
      "/** Looks at a model that was published in another form than GGUF. Reads headers and vocabularies, no weights. */",
      "export declare function inspectCheckpoint(",
      '  request: Omit<CheckpointRequest, "base" | "recipe"> & Partial<CheckpointRequest>,',
      "  signal?: AbortSignal,",
      "): Promise<CheckpointPreview>;",
      "/** Converts such a model into the browser's store; `load` takes the `model.id` of what it gives. The same request goes on where it stopped. */",
      "export declare function convertCheckpoint(",
      '  request: Omit<ConversionRequest, "base" | "recipe" | "promptFormat" | "contextLength"> & Partial<ConversionRequest>,',
      "  options?: { onProgress?: (progress: StoreProgress) => void; signal?: AbortSignal },",
      "): Promise<Conversion>;",
    ].join("\n"),
    [
      "/** A `LanguageModel`, as the browser's Prompt API has it, answered by a model of one's choice. Nothing is fetched before it is asked. */",
      'export declare function languageModel(options: Omit<LoadOptions, "onProgress" | "signal">): LanguageModelFactory;',
    ].join("\n"),
    "/** Loads a model; the one loaded before it is freed. Rejects with an `EngineError`. */",
    "export declare function load(options: LoadOptions): Promise<Cria>;\n",
  ].join("\n");
}

function declarationsOf(file: string): string {
  const { outputText } = ts.transpileDeclaration(readFileSync(file, "utf8"), {
    fileName: file,
    compilerOptions: { target: ts.ScriptTarget.ES2023, allowImportingTsExtensions: true },
  });
  // What a module imports is in the same file; what is for us alone is not part of the library.
  return outputText
    .replace(/^(\/\/.*|import .*|export \{\};)\n/gm, "")
    .replace(/^\/\*\* [^\n]* \*\/\nexport declare function .*\n/gm, "");
}
