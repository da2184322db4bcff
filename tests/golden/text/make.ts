// Asks llama.cpp for the token ids of our strings, in every vocabulary and for every way of cutting words.
// npx tsx tests/golden/text/make.ts
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, type LlamaModel, LlamaLogLevel, type Token } from "node-llama-cpp";
import { SPLITTINGS } from "../../../workers/engine/text/splitting.ts";
import { type Entry, f32, u32, writeGguf } from "../gguf-writer.ts";
import { STRINGS } from "./strings.ts";
import { llama3, metadataOf, vocabulary, type VocabularyName } from "./vocabularies.ts";

const MADE_BY = { program: "llama.cpp of node-llama-cpp 3.22.1", command: "npx tsx tests/golden/text/make.ts" };
/** A file without weights needs a shape all the same. */
const SHAPE: Record<string, Entry> = {
  "llama.context_length": u32(2048),
  "llama.embedding_length": u32(64),
  "llama.block_count": u32(1),
  "llama.feed_forward_length": u32(64),
  "llama.attention.head_count": u32(1),
  "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
};
const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.fatal });
const folder = mkdtempSync(join(tmpdir(), "vocabularies-"));

for (const name of ["smollm2", "stories260k", "llama2", "llama3"] satisfies VocabularyName[]) {
  const found = await vocabulary(name);
  if (!found) {
    console.log(`${name}: not at hand, left as it is`);
    continue;
  }
  const model = await open(found);
  const count = (await metadataOf(found)).texts("tokenizer.ggml.tokens")!.length;
  const endIds = Array.from({ length: count }, (_, id) => id as Token).filter((id) => model.isEogToken(id));
  // Ids without special tokens, then with them; null where that makes no difference.
  const ids = STRINGS.map((string) => {
    const [plain, special] = [false, true].map((parse) => [...model.tokenize(string, parse)]);
    return [plain, String(plain) === String(special) ? null : special];
  });
  save(name, { vocabulary: name, endIds, ids });
  await model.dispose();
}

// The ways of cutting words differ in few strings: each list of ids is stored once, and a way names them by number.
const lists = new Map<string, number>();
const rows: Record<string, number[]> = {};
for (const pre of SPLITTINGS.flatMap(({ names }) => names)) {
  const model = await open(await llama3(pre));
  rows[pre] = STRINGS.map((string) => {
    const ids = JSON.stringify(model.tokenize(string, false));
    if (!lists.has(ids)) lists.set(ids, lists.size);
    return lists.get(ids)!;
  });
  await model.dispose();
}
save("splittings", { vocabulary: "llama3", lists: [...lists.keys()].map((ids) => JSON.parse(ids)), rows });

rmSync(folder, { recursive: true });
await llama.dispose();

async function open(source: string | Record<string, Entry>): Promise<LlamaModel> {
  const path = typeof source === "string" ? source : join(folder, "vocabulary.gguf");
  if (typeof source !== "string") writeGguf(path, { metadata: { ...source, ...SHAPE }, tensors: [] });
  return llama.loadModel({ modelPath: path, vocabOnly: true });
}

function save(name: string, content: object): void {
  writeFileSync(join(import.meta.dirname, `${name}.json`), `${JSON.stringify({ ...MADE_BY, ...content })}\n`);
  console.log(`${name}: done`);
}
