// cria.d.ts, as a page written in TypeScript meets it.
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { declarations } from "../../../.config/library-types.ts";

const PAGE = `
  import { advise, EngineError, load } from "./cria.js";
  const cria = await load({ model: "smollm2-135m-instruct", backend: "auto", onProgress: ({ doneBytes }) => doneBytes.toFixed() });
  const [advice] = await advise(["https://example.org/model.gguf"]);
  advice!.predictions[0]!.tokensPerSecond satisfies number;
  const messages = [{ role: "user", content: "Hello" }] as const;
  const streamed = await cria.chat.completions.create({ messages, stream: true });
  for await (const chunk of streamed) chunk.choices[0].delta.content satisfies string | undefined;
  (await cria.completions.create({ prompt: [1, 2] })).choices[0].text satisfies string;
  cria.info.shape.layers satisfies number;
  await cria.unload().catch((error: unknown) => error instanceof EngineError && error.code === "disposed");
`;

/** Pages by name, compiled together: the browser's own types take long to read. */
const PAGES = {
  right: PAGE,
  load: `${PAGE}; await load({ model: 3 });`,
  role: `${PAGE}; await cria.chat.completions.create({ messages: [{ role: "wizard", content: "" }] });`,
};

/** Errors of each page. */
function compile(): Record<keyof typeof PAGES, string[]> {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"],
    types: [],
    skipDefaultLibCheck: true,
  };
  const files = new Map([["/cria.d.ts", declarations()]]);
  for (const [name, text] of Object.entries(PAGES)) files.set(`/${name}.ts`, text);
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.getSourceFile = (name, target) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile.call(host, name, target) : ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const errorsOf = (name: string): string[] => {
    const file = program.getSourceFile(`/${name}.ts`);
    return ts.getPreEmitDiagnostics(program, file).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  };
  return { right: errorsOf("right"), load: errorsOf("load"), role: errorsOf("role") };
}

describe("the library's types", () => {
  it("fit what a page does with it, and find what it does not offer", () => {
    const errors = compile();
    expect(errors.right).toEqual([]);
    expect(errors.load.join()).toContain("'number' is not assignable");
    expect(errors.role.join()).toContain("wizard");
  });

  it("say nothing that cria.js does not have", () => {
    const values = [...declarations().matchAll(/export declare (?:function|class|const) (\w+)/g)].map((match) => match[1]);
    expect(values.sort()).toEqual([
      "ERROR_CODES",
      "EngineError",
      "TYPICAL",
      "advise",
      "convertCheckpoint",
      "inspectCheckpoint",
      "languageModel",
      "load",
    ]);
  });
});
