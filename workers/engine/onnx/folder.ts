// The files of an ONNX model, as the hub lays them out: config.json and tokenizer.json, graphs in onnx/, weights beside their graph.
// Source: huggingface.co/docs/transformers.js; optimum's exporters for the names.
import { EngineError } from "../base/errors.ts";
import { SHARD_BYTES, type ByteSource } from "../base/source.ts";

/** Graphs in the order in which they are taken where nobody says: small first, then what every provider can run. */
const USUAL = [
  "model_q4",
  "model_quantized",
  "model_int8",
  "model_uint8",
  "decoder_model_merged_quantized",
  "model",
  "decoder_model_merged",
  "decoder_with_past_model",
  "decoder_model",
  "model_fp16",
];

/** Files that say what a graph computes and how it speaks. */
export const COMPANIONS = [
  "config.json",
  "tokenizer.json",
  "tokenizer.model",
  "tokenizer_config.json",
  "added_tokens.json",
  "chat_template.jinja",
] as const;

/** An ONNX model's files as one source: reading it reads its graph; its length is that of graph and weights. */
export class OnnxFolder implements ByteSource {
  readonly sizeBytes: number;

  constructor(
    readonly name: string,
    readonly graph: ByteSource,
    /** Weights kept outside of the graph, by the names the graph has for them. */
    readonly weights: ReadonlyMap<string, ByteSource>,
    /** The rest, by name. */
    readonly companions: ReadonlyMap<string, ByteSource>,
  ) {
    this.sizeBytes = [graph, ...weights.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  read: ByteSource["read"] = (...words) => this.graph.read(...words);
  shard: ByteSource["shard"] = (...words) => this.graph.shard(...words);
}

/** Which of these paths make up one ONNX model; null where none is a graph. `wanted` is a path, a suffix such as "q4f16", or null. */
export function chooseGraph(
  paths: readonly string[],
  wanted: string | null,
): { readonly graph: string; readonly weights: readonly string[]; readonly companions: readonly string[] } | null {
  const graphs = paths.filter((path) => /\.onnx$/i.test(path));
  const stem = (path: string): string => nameOf(path).replace(/\.onnx$/i, "");
  const rank = (path: string): number => (USUAL.includes(stem(path)) ? USUAL.indexOf(stem(path)) : USUAL.length);
  const suffix = wanted?.toLowerCase();
  const graph =
    wanted === null
      ? [...graphs].sort((a, b) => rank(a) - rank(b))[0]
      : (graphs.find((path) => path === wanted) ?? graphs.find((path) => stem(path).toLowerCase().endsWith(`_${suffix}`)));
  if (graph === undefined) return null;
  const beside = paths.filter((path) => folderOf(path) === folderOf(graph) && path !== graph);
  const own = beside.filter((path) => nameOf(path).startsWith(nameOf(graph)) || nameOf(path) === `${stem(graph)}.data`);
  const other = graphs.length === 1 ? beside.filter((path) => /\.(data|bin|pb|weight)$/i.test(path) && !own.includes(path)) : [];
  const near = [folderOf(graph), folderOf(graph).replace(/[^/]+\/$/, "")];
  const companions = COMPANIONS.flatMap((name) => paths.find((path) => near.some((folder) => path === folder + name)) ?? []);
  return { graph, weights: [...own, ...other], companions };
}

/** Puts sources by their paths together. Throws `bad_request` where there is no graph. */
export function onnxFolder(sources: ReadonlyMap<string, ByteSource>, wanted: string | null = null, called?: string): OnnxFolder {
  const paths = [...sources.keys()];
  const chosen = chooseGraph(paths, wanted);
  if (!chosen) {
    const there = paths.filter((path) => /\.onnx$/i.test(path)).join(", ") || "none";
    throw new EngineError(
      "bad_request",
      `No ONNX graph ${wanted ?? ""} is among the files; there are: ${there}.`,
      "Choose model.onnx and the files beside it.",
    );
  }
  const named = (list: readonly string[]): Map<string, ByteSource> =>
    new Map(list.map((path) => [nameOf(path), sources.get(path)!]));
  const name =
    called ??
    folderOf(chosen.graph)
      .replace(/(^|\/)onnx\/$/, "")
      .split("/")
      .filter(Boolean)
      .at(-1) ??
    nameOf(chosen.graph);
  return new OnnxFolder(name, sources.get(chosen.graph)!, named(chosen.weights), named(chosen.companions));
}

/** All bytes of a file, shard by shard: from the store where it is kept. `onBytes` hears how many came. */
export async function readAll(
  source: ByteSource,
  signal?: AbortSignal,
  onBytes: (count: number) => void = () => undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(source.sizeBytes);
  for (let index = 0; index * SHARD_BYTES < source.sizeBytes; index++) {
    const shard = await source.shard(index, signal);
    bytes.set(shard, index * SHARD_BYTES);
    onBytes(shard.length);
  }
  return bytes;
}

function nameOf(path: string): string {
  return path.split("/").at(-1) ?? path;
}

/** With its slash; "" for the top. */
function folderOf(path: string): string {
  return path.slice(0, path.length - nameOf(path).length);
}
