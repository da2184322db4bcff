// `npm test`: types, lint, architecture, unit, kernel and browser tests, one after the other; counts at the end.
// `npm test -- unit` runs the named stages only; `npm run test:long` runs every stage with the long campaigns.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBrowser } from "../web/cli/browsers.ts";
import { obtainLavapipe } from "./software-gpu.ts";
import { obtainModel } from "../web/cli/model.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What failed, by name: said again at the end, where a long output is read. */
const failures: string[] = [];

/** Commands that pass or fail as a whole, and vitest runs that count their tests. */
const STAGES: Record<string, () => Promise<Counts> | Counts> = {
  browsers: () => whole(() => (["chromium", "firefox", "webkit"] as const).forEach(findBrowser)),
  gpu: softwareGpu,
  model: () => whole(obtainModel),
  kernels: () => command("npm", ["run", "--silent", "kernels"]),
  types: () =>
    sum(
      command("npx", ["tsc", "-p", "workers"]),
      command("npx", ["tsc", "-p", "tests"]),
      command("npx", ["svelte-check", "--tsconfig", "web/tsconfig.json", "--fail-on-warnings"]),
    ),
  lint: () =>
    sum(
      command("npx", ["eslint", "--max-warnings", "0", "."]),
      command("npx", ["prettier", "--check", "--log-level", "warn", "."]),
    ),
  unit: () => vitest("vitest.config.ts"),
  build: () => command("npm", ["run", "--silent", "build"]),
  browser: () => vitest("tests/e2e/vitest.config.ts"),
};

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  if (words.includes("--long")) process.env["CRIA_LONG"] = "1";
  const named = words.filter((word) => !word.startsWith("--"));
  const unknown = named.filter((name) => !(name in STAGES));
  if (unknown.length > 0) throw new Error(`Stages are ${Object.keys(STAGES).join(", ")}; not ${unknown.join(", ")}.`);
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const lines: string[] = [];
  for (const [name, run] of Object.entries(STAGES).filter(([name]) => named.length === 0 || named.includes(name))) {
    console.log(`\n== ${name}`);
    const started = Date.now();
    const counts = await run();
    add(total, counts);
    lines.push(`${name.padEnd(9)} ${show(counts)}  (${((Date.now() - started) / 1000).toFixed(0)} s)`);
  }
  for (const failure of failures) console.log(`\nFAILED ${failure}`);
  console.log(`\n${lines.join("\n")}\n\n${show(total)}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

async function whole(work: () => unknown): Promise<Counts> {
  try {
    await work();
    return { passed: 1, failed: 0, skipped: 0 };
  } catch (error) {
    failures.push(String(error));
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Without lavapipe the upper tiers of the GPU go untried, which is worth a word, and counted. */
function softwareGpu(): Counts {
  const obstacle = obtainLavapipe();
  if (obstacle) {
    console.warn(`NOT TRIED: tiers T1 to T3 of WebGPU. ${obstacle}.`);
    process.env["CRIA_NO_LAVAPIPE"] = "1";
  }
  return { passed: Number(!obstacle), failed: 0, skipped: Number(!!obstacle) };
}

function command(program: string, words: readonly string[]): Counts {
  const passed = spawnSync(program, words, { stdio: "inherit" }).status === 0;
  if (!passed) failures.push(`${program} ${words.join(" ")}`);
  return { passed: Number(passed), failed: Number(!passed), skipped: 0 };
}

/** Runs vitest, and counts from its JSON report: a run that dies before it reports is one failure. */
function vitest(config: string): Counts {
  const folder = mkdtempSync(join(tmpdir(), "cria-test-"));
  const report = join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const { status } = spawnSync("npx", ["vitest", "run", "--config", config, ...reporters], { stdio: "inherit" });
    const json: unknown = JSON.parse(readFileSync(report, "utf8"));
    failures.push(...failedTests(json));
    const count = (key: string): number => Number(Object(json)[key] ?? 0);
    const failed = count("numFailedTests");
    const skipped = count("numPendingTests") + count("numTodoTests");
    return { passed: count("numPassedTests"), failed: Math.max(failed, Number(status !== 0)), skipped };
  } catch (error) {
    console.error(error);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The names of the failed tests of a JSON report, each with its first message. */
function failedTests(report: unknown): string[] {
  const files: unknown[] = Object(report).testResults ?? [];
  return files.flatMap((file) => {
    const { name, status, message, assertionResults } = Object(file);
    const tests: unknown[] = assertionResults ?? [];
    const failed = tests.map(Object).filter((test) => test.status === "failed");
    if (failed.length === 0) return status === "failed" ? [`${name}\n${message}`] : [];
    return failed.map((test) => `${name}: ${test.fullName}\n${test.failureMessages?.[0] ?? ""}`);
  });
}

function sum(...all: Counts[]): Counts {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) add(total, counts);
  return total;
}

function add(total: Counts, more: Counts): void {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
}

function show({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
