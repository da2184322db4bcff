// How the workers' programs are cut into files: no file imports a worker's entry. WebKit does not know an entry for what it has run already, runs
// it a second time, and then two engines answer every call.
import type { Plugin, Rolldown, UserConfig } from "vite";

/** The worker that loads parts of itself later; the others are one file each. */
const LOADS_LATER = "llm.worker.ts";

export const workers: NonNullable<UserConfig["worker"]> = {
  format: "es",
  plugins: () => [refuseImportedEntries()],
  rolldownOptions: { output: { codeSplitting: { groups: [{ name: besideEntry }] } } },
};

/** The file of what the entry starts with, which later parts share; null for what is none of that. */
function besideEntry(module: string, graph: Rolldown.ChunkingContext): string | null {
  const ahead = [module];
  const seen = new Set(ahead);
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    const info = graph.getModuleInfo(id);
    if (info?.isEntry) return id !== module && id.endsWith(LOADS_LATER) ? "engine" : null;
    for (const importer of info?.importers ?? []) {
      if (seen.has(importer)) continue;
      seen.add(importer);
      ahead.push(importer);
    }
  }
  return null;
}

function refuseImportedEntries(): Plugin {
  return {
    name: "cria:worker-entries",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const entries = new Set(chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName));
      for (const { fileName, imports } of chunks) {
        const entry = imports.find((name) => entries.has(name));
        if (entry) this.error(`${fileName} imports ${entry}, the entry of a worker: see besideEntry in .config/workers.ts.`);
      }
    },
  };
}
