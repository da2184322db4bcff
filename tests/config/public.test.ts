// The data that is served as it stands: headers, the catalogue, the manifest, the list of files kept for offline use.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HEADER_RULES, headerRules, headersFile, headersFor } from "../../.config/headers.ts";
import { isEntry } from "../../workers/library/catalogue.ts";
import { FAMILIES } from "../../workers/engine/chat/index.ts";
import { precacheOf } from "../../.config/service-worker.ts";

const PUBLIC = join(import.meta.dirname, "../../public");
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(PUBLIC, name), "utf8"));

/** Those of an entry, in the order of the alphabet. */
const FIELDS = [
  "advice",
  "confirmed",
  "contextLength",
  "defaults",
  "homepage",
  "id",
  "licence",
  "name",
  "parameters",
  "prompt",
  "quantization",
  "sha256",
  "sizeBytes",
  "urls",
  "use",
  "variants",
];

describe("headers", () => {
  it("isolate every page, and let other pages import the library", () => {
    expect(headersFor("/")).toMatchObject({
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    expect(headersFor("/cria.js")).toMatchObject({
      "Access-Control-Allow-Origin": "*",
      "Cross-Origin-Resource-Policy": "cross-origin",
    });
  });

  it("let scripts come from here alone, and WebAssembly compile", () => {
    const policy = headersFor("/index.html")["Content-Security-Policy"]!;
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).toContain("default-src 'none';");
    expect(policy).not.toMatch(/script-src[^;]*'unsafe-/);
  });

  it("let files with a hash in their name be kept for ever, and no others", () => {
    expect(headersFor("/assets/a-1234.js")["Cache-Control"]).toContain("immutable");
    expect(headersFor("/index.html")["Cache-Control"]).toBeUndefined();
  });

  it("name no header twice for one path but the policy, as hosts join the two and browsers enforce every policy of a list", () => {
    for (const { path } of HEADER_RULES) {
      const rules = HEADER_RULES.filter((rule) => rule.path === path || rule.path === "/*");
      const names = rules.flatMap((rule) => Object.keys(rule.headers)).filter((name) => name !== "Content-Security-Policy");
      expect(names).toEqual([...new Set(names)]);
    }
  });

  it("let nobody show the app in a frame, and the sites of the list the widget's page alone", () => {
    expect(headersFor("/index.html")["X-Frame-Options"]).toBe("SAMEORIGIN");
    expect(headersFor("/index.html")["Content-Security-Policy"]).not.toContain("frame-ancestors");
    const site = { origin: "https://shop.example", models: ["*"], budgetTokens: null };
    for (const path of ["/embed.html", "/embed"])
      expect(headersFor(path, headerRules([site]))["Content-Security-Policy"]).toMatch(
        /^default-src 'none'.*, frame-ancestors 'self' https:\/\/shop\.example$/,
      );
  });

  it("isolate the widget's page where the page around it is not", () => {
    expect(headersFor("/embed.html")).toMatchObject({
      "Document-Isolation-Policy": "isolate-and-require-corp",
      "Cross-Origin-Embedder-Policy": "require-corp",
      "Cross-Origin-Resource-Policy": "cross-origin",
    });
  });

  it("read in a `_headers` file as they are sent", () => {
    expect(headersFile().split("\n").slice(0, 2)).toEqual(["/*", "  Cross-Origin-Opener-Policy: same-origin"]);
    expect(headersFile()).toContain("\n\n/sw.js\n  Cache-Control: no-cache\n");
  });
});

describe("the catalogue", () => {
  const isHex64 = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
  type Named = [string, Record<string, unknown>];
  const entries: unknown = readJson("catalogue.json");
  const list: Record<string, unknown>[] = Array.isArray(entries) ? entries : [];
  const filesOf = (entry: Record<string, unknown>): Record<string, unknown>[] => [
    entry,
    ...(Array.isArray(entry["variants"]) ? entry["variants"] : []),
  ];

  it("starts with the default model, exactly as it is published", () => {
    expect(list[0]).toMatchObject({
      id: "smollm2-135m-instruct",
      sizeBytes: 98_362_432,
      sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    });
  });

  it.each(list.map((entry) => [entry["id"], entry]))("describes %s completely", (_, entry) => {
    expect(isEntry(entry)).toBe(true);
    expect(Object.keys(entry).sort()).toEqual(FIELDS);
    for (const field of ["id", "name", "licence"]) expect(entry[field]).not.toBe("");
    expect(entry["homepage"]).toMatch(/^(builtin\/|https:\/\/)/);
    for (const field of ["parameters", "contextLength"]) expect(Number.isSafeInteger(entry[field])).toBe(true);
    expect([null, ...FAMILIES.map(({ id }) => id)]).toContain(entry["prompt"]);
  });

  it.each(
    list.flatMap((entry) =>
      filesOf(entry).map((file): Named => [`${String(entry["id"])}, ${String(file["quantization"])}`, file]),
    ),
  )("says of %s where it is, how large, and its hash", (_, file) => {
    expect(file["quantization"]).toMatch(/^(F32|F16|BF16|I?Q\d_\w+)$/);
    expect(Number.isSafeInteger(file["sizeBytes"])).toBe(true);
    expect(file["sha256"] === null || isHex64(file["sha256"])).toBe(true);
    for (const url of [file["urls"]].flat()) expect(url).toMatch(/^(models\/|builtin\/|https:\/\/)[^?#]+\.gguf$/);
  });

  it("has a source for what it calls confirmed, and advice for the rest", () => {
    for (const entry of list) {
      const sources = filesOf(entry).map((file) => [file["urls"]].flat().length);
      if (entry["confirmed"] === true) expect(Math.min(...sources)).toBeGreaterThan(0);
      else expect([sources, entry["advice"]]).toEqual([sources.map(() => 0), expect.stringContaining("GGUF")]);
    }
  });

  it("has no quantization of a model twice", () => {
    for (const entry of list) {
      const names = filesOf(entry).map((file) => file["quantization"]);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("has no id twice", () => {
    const ids = list.map((entry) => entry["id"]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("the manifest", () => {
  const manifest = Object(readJson("manifest.webmanifest"));

  it("names icons that are there, in the sizes they have", () => {
    for (const { src, sizes, type } of manifest.icons) {
      const bytes = readFileSync(join(PUBLIC, src));
      if (type !== "image/png") continue;
      const side = `${String(bytes.readUInt32BE(16))}x${String(bytes.readUInt32BE(20))}`; // width and height in the IHDR chunk
      expect(side).toBe(sizes);
    }
    expect(manifest.icons.map((icon: { purpose: string }) => icon.purpose)).toContain("maskable");
  });

  it("has paths that hold in any folder of any host", () => {
    expect([manifest.id, manifest.start_url, manifest.scope]).toEqual(["./", "./", "./"]);
  });
});

describe("the list of files for offline use", () => {
  it("has pages and hashed files, leaves out models and what few need, and changes with any of them", () => {
    const folder = mkdtempSync(join(tmpdir(), "cria-precache-"));
    try {
      mkdirSync(join(folder, "assets"));
      mkdirSync(join(folder, "models"));
      mkdirSync(join(folder, "builtin"));
      const kept = ["index.html", "assets/a-1.js", "assets/ort-2.wasm", "builtin/b.gguf"];
      for (const path of [...kept, "sw.js", "_headers", "models/a.gguf"]) writeFileSync(join(folder, path), path);
      const before = precacheOf(folder);
      expect(before).toMatchObject({ named: ["index.html"], hashed: ["assets/a-1.js"] });
      expect(before.onDemand).toEqual(["assets/ort-2.wasm", "builtin/b.gguf"]);
      writeFileSync(join(folder, "index.html"), "changed");
      expect(precacheOf(folder).version).not.toBe(before.version);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
