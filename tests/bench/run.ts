// `npm run bench -- wasm|webgpu`: Cria against other engines, in one page. `npm run bench -- compare BEFORE.json AFTER.json`: two runs
// side by side. `npm run bench -- show A.json B.json`: the tables of runs made before, such as a long one made in pieces.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runBench } from "./bench.ts";
import { ENGINES, type EngineName } from "./engines/engine.ts";
import { DEFAULT_MODELS } from "./models.ts";
import type { BenchRecord } from "./records.ts";
import { comparison, machineLines, tableOf } from "./table.ts";

const USAGE = `npm run bench -- wasm|webgpu [options]
  --models a,b     default ${DEFAULT_MODELS.join(",")}
  --engines a,b    default all of ${ENGINES.join(",")}
  --quick          few tokens, 3 repetitions: to see that it works
  --full           everything of everybody, however long that takes (hours)
  --minutes 27     begins nothing after that long
  --json FILE      also as an array of records
npm run bench -- compare BEFORE.json AFTER.json
npm run bench -- show A.json B.json …      the tables again, of a run made in pieces (--models 135m-q4_1 --json A.json, and so on)`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: "string", default: DEFAULT_MODELS.join(",") },
    engines: { type: "string" },
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    minutes: { type: "string" },
    json: { type: "string" },
  },
});
const [what, ...files] = positionals;
const [before, after] = files;
if (what === "compare" && before && after) {
  console.log(comparison(readRecords(before), readRecords(after)));
} else if (what === "show" && before) {
  const records = files.flatMap(readRecords);
  for (const model of new Set(records.map(({ model }) => model))) {
    console.log(`\n${model}\n${tableOf(records.filter((record) => record.model === model))}`);
  }
} else if (what === "wasm" || what === "webgpu") {
  const { machine, records } = await runBench({
    backend: what,
    models: options.models.split(","),
    engines: options.engines ? options.engines.split(",").map(engineNamed) : null,
    scope: options.full ? "full" : options.quick ? "quick" : "default",
    minutes: options.minutes ? Number(options.minutes) : options.full ? Infinity : 27,
    save: (records) => {
      if (options.json) writeFileSync(options.json, `${JSON.stringify(records, null, 1)}\n`);
    },
    say: (line) => console.log(line.startsWith("  ") ? `${elapsed()}${line}` : line),
  });
  console.log(`\n${machineLines(machine)}`);
  process.exit(records.length > 0 ? 0 : 1);
} else {
  console.error(USAGE);
  process.exitCode = 2;
}

/** Minutes and seconds since the start. */
function elapsed(): string {
  const seconds = Math.floor(performance.now() / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, "0")}`;
}

function engineNamed(name: string): EngineName {
  const engine = ENGINES.find((one) => one === name);
  if (!engine) throw new Error(`There is no engine ${name}; there are ${ENGINES.join(", ")}.`);
  return engine;
}

function readRecords(file: string): BenchRecord[] {
  return JSON.parse(readFileSync(file, "utf8")) as BenchRecord[];
}
