// `npm start`: obtains the default model, builds, and serves the app with production headers.
import { linkSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { spawnSync } from "node:child_process";
import { preview } from "vite";
import { obtainModel } from "./model.ts";

const ROOT = join(import.meta.dirname, "../..");

await main();

async function main(): Promise<void> {
  const model = await obtainModel();
  console.log("Building Cria");
  const built = spawnSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "inherit", shell: process.platform === "win32" });
  if (built.status !== 0) throw new Error("The build failed; what it said stands above.");
  if (model) serveModel(model);
  const server = await preview({ root: ROOT, preview: { port: Number(process.env["PORT"] ?? 4173), strictPort: true } });
  console.log(`\nCria is ready: ${server.resolvedUrls?.local[0] ?? "http://localhost:4173"}\n`);
}

/** Puts the model beside the app's other files, without a second copy where the disk allows. */
function serveModel(path: string): void {
  const served = join(ROOT, "dist/models", basename(path));
  mkdirSync(join(served, ".."), { recursive: true });
  rmSync(served, { force: true });
  try {
    linkSync(path, served);
  } catch {
    copyFileSync(path, served); // another file system
  }
}
