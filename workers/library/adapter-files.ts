// The files of an adapter: on the disk, at addresses, or the adapter of a hub's repository, its configuration with it.
import type { AdapterRequest } from "../engine/base/adapters.ts";
import { EngineError } from "../engine/base/errors.ts";
import { openForeignFiles, type ForeignFile } from "./foreign-files.ts";

const CONFIG = "adapter_config.json";
/** PEFT's weights, the safer form first. */
const WEIGHTS = ["adapter_model.safetensors", "adapter_model.bin"];
/** More than any adapter has: rank 256 in all matrices of 13B. */
const MOST_BYTES = 2 ** 31;
const PEFT_ADDRESS = /adapter_model\.(safetensors|bin)(?=$|[?#])/;

/** Opens an adapter's files; PEFT's configuration is looked for beside weights that are given alone. Throws `bad_request`, and what hosts throw. */
export function openAdapterFiles(
  { files, token = null, hub = null }: AdapterRequest,
  signal: AbortSignal | undefined,
): Promise<ForeignFile[]> {
  if (files.length === 0) throw new EngineError("bad_request", "No file was given.", "Choose the files of an adapter.");
  const addresses = files.filter((file) => typeof file === "string");
  const alone = files.some((file) => nameOf(file) === CONFIG) ? undefined : addresses.find((file) => PEFT_ADDRESS.test(file));
  const all = alone === undefined ? files : [...files, alone.replace(PEFT_ADDRESS, CONFIG)];
  return openForeignFiles(all, chooseAdapter, { token, hub }, signal);
}

/** Reads an adapter's files whole. Throws as `openAdapterFiles`, and `bad_request` for what is too large for an adapter. */
export async function fetchAdapterFiles(request: AdapterRequest, signal: AbortSignal): Promise<File[]> {
  const files = await openAdapterFiles(request, signal);
  const sizeBytes = files.reduce((sum, { source }) => sum + source.sizeBytes, 0);
  if (sizeBytes > MOST_BYTES) {
    const gigabytes = (sizeBytes / 2 ** 30).toFixed(1);
    throw new EngineError(
      "bad_request",
      `These files have ${gigabytes} GB: they are a model rather than an adapter.`,
      "Get it as a model.",
    );
  }
  const read = async ({ source: { name, sizeBytes, read } }: ForeignFile): Promise<File> => {
    return new File([await read(0, sizeBytes, signal)], name);
  };
  return Promise.all(files.map(read));
}

/** PEFT's two files, else the one GGUF file or PyTorch file of a repository. */
function chooseAdapter(paths: readonly string[]): string[] {
  const weights = WEIGHTS.find((name) => paths.includes(name));
  if (weights !== undefined && paths.includes(CONFIG)) return [CONFIG, weights];
  for (const kind of [/^[^/]+\.gguf$/i, /^[^/]+\.(pth|safetensors)$/]) {
    const found = paths.filter((path) => kind.test(path));
    if (found.length === 1) return found;
    if (found.length > 1) {
      throw new EngineError(
        "bad_request",
        `The repository has ${found.length} files that may be adapters: ${found.slice(0, 5).join(", ")}.`,
        "Give the address of one of them.",
      );
    }
  }
  throw new EngineError("bad_request", "The repository has no adapter in its first folder.", "Give the address of its files.");
}

function nameOf(file: string | File): string {
  return typeof file === "string" ? (file.split(/[?#]/)[0]!.split("/").at(-1) ?? "") : file.name;
}
