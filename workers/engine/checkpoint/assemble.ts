// Makes a checkpoint of what a publisher's files hold: every tensor a LLaMA needs, of the extents its numbers ask for, biases
// where there are some, and no other.
import { EngineError } from "../base/errors.ts";
import type { Rows } from "./arrange.ts";
import type { Checkpoint, CheckpointConfig, CheckpointTensor } from "./checkpoint.ts";
import { damaged } from "./formats/errors.ts";
import { tensorNames } from "./names.ts";

/** Everything but the tensors' order and names, which `assemble` sees to. */
export type Parts = Omit<Checkpoint, "tensors"> & { readonly tensors: ReadonlyMap<string, Rows> };

/** Throws `bad_file` for missing and misshapen tensors, `unsupported_architecture` for some that a LLaMA does not have. */
export function assemble(parts: Parts): Checkpoint {
  const { config } = parts;
  const vocab = parts.tensors.get("token_embd.weight")?.rows ?? 0;
  const tensors = new Map<string, CheckpointTensor>();
  for (const name of tensorNames(config.layers, config.experts !== null)) {
    const tensor = parts.tensors.get(name);
    if (!tensor && name === "output.weight") continue; // the embedding is the head
    if (!tensor) throw damaged(parts.name, `there is no tensor ${name}`);
    const [rows, cols] = extentsOf(name, config, vocab);
    if (tensor.rows !== rows || tensor.cols !== cols) {
      throw damaged(parts.name, `${name} is ${tensor.rows} x ${tensor.cols}; ${rows} x ${cols} was expected`);
    }
    const experts = config.experts && name.endsWith("_exps.weight") ? { experts: config.experts.count } : {};
    tensors.set(name, { ...tensor, name, ...experts });
    const bias = name.replace(/\.weight$/, ".bias");
    const added = parts.tensors.get(bias);
    if (!added || name === "token_embd.weight" || /_norm|_exps|_inp/.test(name)) continue;
    if (added.rows !== 1 || added.cols !== rows) {
      throw damaged(parts.name, `${bias} is ${added.rows} x ${added.cols}; 1 x ${rows} was expected`);
    }
    tensors.set(bias, { ...added, name: bias });
  }
  const unused = [...parts.tensors.keys()].filter((name) => !tensors.has(name));
  if (unused.length > 0) throw unknownTensors(unused);
  return { ...parts, tensors };
}

/** Tensors that no LLaMA has: what the model does with them we would leave out. */
export function unknownTensors(names: readonly string[]): EngineError {
  return new EngineError(
    "unsupported_architecture",
    `The model has ${names.length} tensors that a LLaMA does not have: ${names.slice(0, 3).join(", ")} …`,
    "Choose a model of the LLaMA family.",
  );
}

function extentsOf(name: string, config: CheckpointConfig, vocab: number): readonly [rows: number, cols: number] {
  const { dim, ffnDim, heads, kvHeads, headDim } = config;
  const experts = config.experts?.count ?? 0;
  const part = name.replace(/^blk\.\d+\./, "").replace(/\.weight$/, "");
  switch (part) {
    case "token_embd":
    case "output":
      return [vocab, dim];
    case "attn_q":
      return [heads * headDim, dim];
    case "attn_k":
    case "attn_v":
      return [kvHeads * headDim, dim];
    case "attn_output":
      return [dim, heads * headDim];
    case "ffn_gate":
    case "ffn_up":
      return [ffnDim, dim];
    case "ffn_down":
      return [dim, ffnDim];
    case "ffn_gate_inp":
      return [experts, dim];
    case "ffn_gate_exps":
    case "ffn_up_exps":
      return [experts * ffnDim, dim];
    case "ffn_down_exps":
      return [experts * dim, ffnDim];
    default:
      return [1, dim]; // norms
  }
}
