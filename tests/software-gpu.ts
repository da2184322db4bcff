// Brings lavapipe, Mesa's Vulkan driver on the processor: from version 24 on it has half floats, subgroups and packed products, so that
// the upper tiers can be tried without a graphics card. Debian 12 has it in its backports, later ones in the release itself.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aptGet } from "../web/cli/browsers.ts";

const PACKAGE = "mesa-vulkan-drivers";
const LEAST_VERSION = "24";
const SOURCES = "/etc/apt/sources.list.d";
const LIST = "/etc/apt/sources.list";

/** Leaves lavapipe installed. Gives null, or why it cannot be had here. */
export function obtainLavapipe(): string | null {
  if (isNewEnough(installedVersion())) return null;
  const debian = /VERSION_CODENAME=(\w+)/.exec(existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "")?.[1];
  if (!existsSync("/usr/bin/apt-get") || !debian) return "Mesa 24 is installed by apt-get only, which is not here";
  console.log("Installing lavapipe, on which the tests try the upper tiers of the GPU");
  aptGet("update", "-qq");
  if (!isNewEnough(offeredVersion())) return installFromBackports(`${debian}-backports`);
  aptGet("install", "-y", "-qq", "--no-install-recommends", PACKAGE);
  return isNewEnough(installedVersion()) ? null : `${PACKAGE} could not be installed`;
}

/** Asks apt for the backports beside what it knows, without changing what it knows. */
function installFromBackports(suite: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), "cria-apt-"));
  try {
    const parts = join(folder, "parts");
    if (existsSync(SOURCES)) cpSync(SOURCES, parts, { recursive: true });
    else mkdirSync(parts);
    const archive = debianArchive(suite.replace("-backports", ""));
    if (!archive) return "apt knows no Debian archive whose backports could be asked";
    writeFileSync(join(parts, "cria-backports.sources"), archive.replace(/^Suites:.*$/m, `Suites: ${suite}`));
    const own = ["-o", `Dir::Etc::SourceParts=${parts}`];
    aptGet(...own, "update", "-qq");
    aptGet(...own, "install", "-y", "-qq", "--no-install-recommends", "-t", suite, PACKAGE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return isNewEnough(installedVersion()) ? null : `${PACKAGE} could not be installed from ${suite}`;
}

/** The stanza of the archive that this Debian comes from, in the form of deb822. */
function debianArchive(codename: string): string | null {
  const files = existsSync(SOURCES) ? readdirSync(SOURCES).map((name) => join(SOURCES, name)) : [];
  for (const file of [...files, LIST].filter((path) => existsSync(path))) {
    const text = readFileSync(file, "utf8");
    const stanza = text.split(/\n\s*\n/).find((part) => new RegExp(`^Suites:.*\\b${codename}(\\s|$)`, "m").test(part));
    if (stanza) return stanza;
    const line = new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+)\\s+${codename}\\s+main`, "m").exec(text);
    if (line) return `Types: deb\nURIs: ${line[1]}\nSuites: ${codename}\nComponents: main\n`;
  }
  return null;
}

function installedVersion(): string {
  const { stdout, status } = spawnSync("dpkg-query", ["-W", "-f", "${Version}", PACKAGE], { encoding: "utf8" });
  return status === 0 ? stdout : "";
}

function offeredVersion(): string {
  const { stdout } = spawnSync("apt-cache", ["policy", PACKAGE], { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  return /Candidate: (\d\S*)/.exec(stdout ?? "")?.[1] ?? "";
}

function isNewEnough(version: string): boolean {
  return version !== "" && spawnSync("dpkg", ["--compare-versions", version, "ge", LEAST_VERSION]).status === 0;
}
