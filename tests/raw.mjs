// Lets Node import WGSL as Vite does ("./x.wgsl?raw"): node --import ./tests/raw.mjs. Benchmarks outside vitest need it.
import { readFile } from "node:fs/promises";
import { register } from "node:module";

/** A loader hook: the text of a file as its default export. */
export async function load(url, context, nextLoad) {
  if (!url.endsWith("?raw")) return nextLoad(url, context);
  const text = await readFile(new URL(url.slice(0, -"?raw".length)), "utf8");
  return { format: "module", source: `export default ${JSON.stringify(text)}`, shortCircuit: true };
}

// The file is loaded twice: by --import, to register itself, and by Node's loader thread, as the hook.
const asHook = new URL("?hook", import.meta.url).href;
if (import.meta.url !== asHook) register(asHook);
