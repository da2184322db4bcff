// Builds web/embed/element.ts into dist/cria-chat.js, one file that other sites load, writes its types beside it, and copies the examples.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import ts from "typescript";
import { build, type Plugin } from "vite";

const WEB = join(import.meta.dirname, "..", "web");
const ENTRY = join(WEB, "embed", "element.ts");
const CONTRACT = join(WEB, "embed", "contract.ts");
const EXAMPLES = join(WEB, "examples");
const NAME = "cria-chat.js";

/** The plugin that brings the widget into the build, and under its name into the dev server. */
export function widget(): Plugin {
  return {
    name: "cria:widget",
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        if (request.url === `/${NAME}`) request.url = "/embed/element.ts";
        next();
      });
    },
    async generateBundle() {
      // On its own: sharing pieces with the app would cost its visitors a second request.
      this.emitFile({ type: "asset", fileName: NAME, source: await buildElement() });
      this.emitFile({ type: "asset", fileName: "cria-chat.d.ts", source: elementTypes() });
      for (const file of walk(EXAMPLES))
        this.emitFile({
          type: "asset",
          fileName: `examples/${relative(EXAMPLES, file).split(sep).join("/")}`,
          source: readFileSync(file),
        });
    },
  };
}

/** The element as one ES module. */
export async function buildElement(): Promise<string> {
  const result = await build({
    configFile: false,
    root: WEB,
    logLevel: "warn",
    publicDir: false,
    build: {
      write: false,
      target: "es2022",
      modulePreload: { polyfill: false },
      rollupOptions: { input: ENTRY, output: { format: "es", entryFileNames: NAME, codeSplitting: false } },
    },
  });
  if (!("output" in result) || result.output.length !== 1) throw new Error(`${NAME} did not build into one file.`);
  return result.output[0].code;
}

/** The types of the element, for pages written in TypeScript: importing them makes `<cria-chat>` known. */
export function elementTypes(): string {
  const { outputText } = ts.transpileDeclaration(readFileSync(CONTRACT, "utf8"), {
    fileName: CONTRACT,
    compilerOptions: { target: ts.ScriptTarget.ES2023 },
  });
  return [
    "// The types of cria-chat.js, made from Cria's sources by its build.",
    outputText.replace(/^\/\/.*\n/, ""),
    'declare global {\n  interface HTMLElementTagNameMap {\n    "cria-chat": CriaChatElement;\n  }\n}\n',
  ].join("\n");
}

function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
