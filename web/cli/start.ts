// `npm start`: obtains the default model, builds, and serves the app with production headers.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { preview } from "vite";
import { obtainModel } from "./model.ts";

const ROOT = join(import.meta.dirname, "../..");

await obtainModel(); // the server finds it where this puts it
const built = spawnSync("npm", ["run", "--silent", "build"], {
  cwd: ROOT,
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (built.status !== 0) throw new Error("The build failed; what it said stands above.");
const server = await preview({ configFile: join(ROOT, "vite.config.ts") });
console.log(`\nCria is ready: ${server.resolvedUrls?.local[0] ?? "http://localhost:4173"}\n`);
