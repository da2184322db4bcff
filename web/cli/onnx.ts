// `npm run onnx -- [--model model.gguf] [--out folder] [--half] [--external] [--no-past]`: exports a LLaMA to ONNX in the hub's layout. Without
// --model it takes the built-in one.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { fileSource } from "./file-source.ts";
import { exportOnnx } from "./onnx/export.ts";

const BUILT_IN = join(import.meta.dirname, "../../public/builtin/cria-builtin.gguf");

const { values } = parseArgs({
  options: {
    model: { type: "string", default: BUILT_IN },
    out: { type: "string", default: ".cache/onnx" },
    half: { type: "boolean", default: false },
    external: { type: "boolean", default: false },
    past: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const source = fileSource(values.model);
for (const [path, bytes] of await exportOnnx(source, values)) {
  const file = join(values.out, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  console.log(`${file}  ${(bytes.length / 1e6).toFixed(1)} MB`);
}
