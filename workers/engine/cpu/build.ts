// Compiles the kernels: assembly/*.ts into build/, a file for each level with threads and without. Run by `npm run kernels`.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";

const SOURCES = join(import.meta.dirname, "assembly");
const BUILD = join(import.meta.dirname, "build");
const COMPILER = createRequire(import.meta.url).resolve("assemblyscript/bin/asc.js");
const LEVELS = ["plain", "relaxed32", "relaxed16"]; // in the order of their numbers in words.ts

mkdirSync(BUILD, { recursive: true });
const waiting = stale();
const started = performance.now();
const count = waiting.length;
await Promise.all(Array.from({ length: Math.min(count, availableParallelism()) }, compileWaiting));
if (count > 0) console.log(`kernels: ${count} built in ${((performance.now() - started) / 1000).toFixed(1)} s`);

/** Every file that is older than a source, or than this script. */
function stale(): string[] {
  const sources = [...readdirSync(SOURCES).map((name) => join(SOURCES, name)), join(import.meta.dirname, "build.ts")];
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  const files = LEVELS.flatMap((level) => [`${level}.shared.wasm`, `${level}.single.wasm`]);
  return files.filter((file) => !existsSync(join(BUILD, file)) || statSync(join(BUILD, file)).mtimeMs < newest);
}

async function compileWaiting(): Promise<void> {
  for (let file = waiting.shift(); file; file = waiting.shift()) {
    await compile(file);
    console.log(`kernels: ${file}, ${(statSync(join(BUILD, file)).size / 1024).toFixed(0)} kB`);
  }
}

/** One file: complete or not there at all, should someone stop us. */
async function compile(file: string): Promise<void> {
  const [level = "", threads] = file.split(".");
  const shared = threads === "shared";
  const out = join(BUILD, `${file}.${process.pid}`);
  const flags = [
    ...["-O3", "--noAssert", "--runtime", "stub", "--importMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
    ...["--enable", ["simd", ...(level === "plain" ? [] : ["relaxed-simd"]), ...(shared ? ["threads"] : [])].join(",")],
    ...(shared ? ["--sharedMemory"] : []),
    ...["--use", `LEVEL=${LEVELS.indexOf(level)}`, "--use", `SHARED=${Number(shared)}`, "--use", "abort="],
  ];
  await promisify(execFile)(process.execPath, [
    COMPILER,
    relative(".", join(SOURCES, "kernels.ts")),
    "-o",
    relative(".", out),
    ...flags,
  ]);
  renameSync(out, join(BUILD, file));
}
