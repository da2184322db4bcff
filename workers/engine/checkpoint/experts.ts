// The experts of a layer: their publishers' tensors, and GGUF's, which has the matrices of all of them one below the other.
// Source: huggingface/transformers modeling_mixtral.py and convert_mixtral_weights_to_hf.py; mistralai/mistral-inference moe.py.
import { everyRows, joinRows, type Rows, turned } from "./arrange.ts";
import { damaged } from "./formats/errors.ts";
import { Desk } from "./formats/stored.ts";

const KINDS: Readonly<Record<string, string>> = { w1: "ffn_gate_exps", w2: "ffn_down_exps", w3: "ffn_up_exps" };

/** An expert's own matrix: Hugging Face's and Mistral's name. */
const APART = /^layers\.(\d+)\.(?:block_sparse_moe|feed_forward)\.experts\.(\d+)\.(w[123])\.weight$/;
/** All of a kind, as Mistral first released Mixtral: w2 on its side. */
const STACKED = /^layers\.(\d+)\.block_sparse_moe\.(w[123])$/;
/** All, as transformers 5 has them in memory: an expert's gate above its up. */
const FUSED = /^layers\.(\d+)\.mlp\.experts\.(gate_up_proj|down_proj)$/;

/** Takes the tensors of experts as they come from files, and gives them together. */
export class ExpertTensors {
  private readonly apart = new Map<string, Map<number, Rows>>();
  private readonly whole = new Map<string, Rows>();
  /** The expert that was turned last. */
  private readonly desk = new Desk<Float32Array<ArrayBuffer>>();

  /** `count`: experts of a layer; 0 where the model is no mixture. */
  constructor(
    private readonly file: string,
    private readonly count: number,
  ) {}

  /** Whether a tensor is of experts, and now here. `name` without what wraps the layers. Throws `bad_file` where it has no whole experts. */
  take(name: string, tensor: Rows): boolean {
    if (this.count === 0) return false;
    const [, layer, expert, kind = ""] = APART.exec(name) ?? [];
    if (layer !== undefined) {
      const key = nameOf(layer, KINDS[kind]!);
      this.apart.set(key, (this.apart.get(key) ?? new Map<number, Rows>()).set(Number(expert), tensor));
      return true;
    }
    const [, of, stacked] = STACKED.exec(name) ?? [];
    if (of !== undefined && stacked !== undefined) {
      const rows = stacked === "w2" ? turned(name, tensor, this.heightOf(name, tensor), this.desk) : tensor;
      this.whole.set(nameOf(of, KINDS[stacked]!), rows);
      return true;
    }
    const [, block, fused] = FUSED.exec(name) ?? [];
    if (block === undefined) return false;
    if (fused === "down_proj") this.whole.set(nameOf(block, "ffn_down_exps"), tensor);
    else {
      const step = this.heightOf(name, tensor);
      const half = step / 2;
      this.whole.set(nameOf(block, "ffn_gate_exps"), everyRows(tensor, { first: 0, count: half, step }));
      this.whole.set(nameOf(block, "ffn_up_exps"), everyRows(tensor, { first: half, count: half, step }));
    }
    return true;
  }

  /** All of them by GGUF's names. Throws `bad_file` where an expert is missing. */
  together(): Map<string, Rows> {
    const tensors = new Map(this.whole);
    for (const [name, experts] of this.apart) {
      const parts = Array.from({ length: this.count }, (_, expert) => {
        const part = experts.get(expert);
        if (part) return part;
        throw damaged(this.file, `expert ${expert} of ${name} is missing`);
      });
      if (experts.size > this.count) throw damaged(this.file, `${name} has ${experts.size} experts, and not ${this.count}`);
      tensors.set(name, joinRows(name, parts));
    }
    return tensors;
  }

  /** Rows of one expert. */
  private heightOf(name: string, { rows }: Rows): number {
    if (rows % (2 * this.count) === 0) return rows / this.count;
    throw damaged(this.file, `${name} has ${rows} rows, which are not those of ${this.count} experts`);
  }
}

function nameOf(layer: string, kind: string): string {
  return `blk.${Number(layer)}.${kind}.weight`;
}
