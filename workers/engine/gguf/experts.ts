// Experts that a file keeps apart, as the first files of Mixtral did (blk.0.ffn_gate.3.weight), seen as one tensor, as files have had them since.
// Source: llama.cpp convert.py of December 2023; src/llama-model.cpp, which joined them ("merge split expert into a single tensor").
import type { Tensor } from "../base/model.ts";
import { badFile } from "./header.ts";

const APART = /^(blk\.\d+\.ffn_(?:gate|up|down))\.(\d+)\.weight$/;

/**
 * The table with one tensor for the experts of a kind and layer. Throws `bad_file` where one of them is missing, or of another type or
 * extent than the others.
 */
export function withExpertsTogether(tensors: readonly Tensor[]): Tensor[] {
  const together: Tensor[] = [];
  const kinds = new Map<string, Map<number, Tensor>>();
  for (const tensor of tensors) {
    const [, kind, expert] = APART.exec(tensor.name) ?? [];
    if (kind === undefined) together.push(tensor);
    else kinds.set(kind, (kinds.get(kind) ?? new Map<number, Tensor>()).set(Number(expert), tensor));
  }
  for (const [kind, experts] of kinds) together.push(joined(kind, experts));
  return together;
}

function joined(kind: string, experts: ReadonlyMap<number, Tensor>): Tensor {
  const parts: Tensor[] = [];
  for (let expert = 0; expert < experts.size; expert++) {
    const part = experts.get(expert);
    if (!part) throw badFile(`it has ${experts.size} experts of ${kind}, and expert ${expert} is not among them`);
    parts.push(part);
  }
  const { type, rows, cols, sizeBytes } = parts[0]!;
  const other = parts.find((part) => part.type !== type || part.rows !== rows || part.cols !== cols);
  if (other) throw badFile(`tensor ${other.name} is of another type or extent than ${parts[0]!.name}`);
  return {
    name: `${kind}_exps.weight`,
    type,
    rows: rows * parts.length,
    cols,
    offset: Math.min(...parts.map(({ offset }) => offset)),
    sizeBytes: sizeBytes * parts.length,
    parts,
  };
}
