// Writes the ops of a placement as the words the kernels walk over. Field offsets: assembly/words.ts.
import { assert } from "../base/errors.ts";
import type { Attend, Embed, Tensor } from "../base/model.ts";
import * as words from "./assembly/words.ts";
import type { Part, Product } from "./fuse.ts";
import { groupBytes, layoutOf } from "./layouts.ts";
import { type Activations, type Placement, type PlacedSegment } from "./place.ts";

/** The ops of a segment as byte addresses [first, last) in its bank. */
export interface Range {
  readonly bank: number;
  readonly first: number;
  readonly last: number;
}

/** Writes all segments' ops into their banks' memories and says where each is. `bytesMode`: how 8-bit codes are read. */
export function writePrograms(placement: Placement, memories: readonly DataView[], bytesMode: number): Range[] {
  const next = placement.banks.map(({ buffers }) => buffers.program);
  return placement.segments.map((segment) => {
    const { bank } = segment;
    const first = next[bank]!;
    const writer = new Writer(placement, segment, memories[bank]!, bytesMode, first);
    for (const op of segment.ops) {
      if (op.op === "embed") writer.embed(op);
      else if (op.op === "attend") writer.attend(op);
      else writer.product(op);
    }
    assert(writer.at <= placement.banks[bank]!.buffers.ids, "A program is longer than the room it was given.");
    next[bank] = writer.at;
    return { bank, first, last: writer.at };
  });
}

class Writer {
  private readonly buffers;

  constructor(
    private readonly placement: Placement,
    private readonly segment: PlacedSegment,
    private readonly memory: DataView,
    private readonly bytesMode: number,
    public at: number,
  ) {
    this.buffers = placement.banks[segment.bank]!.buffers;
  }

  embed({ weight }: Embed): void {
    const op = this.begin(words.CODE_EMBED);
    const layout = layoutOf(weight.type);
    this.put(op + words.OP_IN, this.buffers.hidden);
    this.put(op + words.OP_WIDTH, weight.cols);
    this.put(op + words.OP_WEIGHT, this.tensor(weight));
    this.put(op + words.OP_LAYOUT, layout.id);
    this.put(op + words.OP_GROUP_BYTES, groupBytes(layout, weight.cols));
    this.end(op);
  }

  attend({ layer, scale }: Attend): void {
    const op = this.begin(words.CODE_ATTEND);
    const cache = this.placement.caches[layer]!;
    this.put(op + words.OP_IN, this.buffers.queries);
    this.put(op + words.OP_OUT, this.buffers.attended);
    this.put(op + words.OP_KEYS, cache.keys);
    this.put(op + words.OP_VALUES, cache.values);
    this.memory.setFloat32(op + words.OP_SCALE, scale, true);
    this.end(op);
  }

  product(product: Product): void {
    const { parts } = product;
    const width = parts[0]!.weight.cols;
    const flags = readerFlags(parts);
    const head = parts.some((part) => part.out === "logits") ? words.FLAG_HEAD : 0;
    if (product.in !== "gate") this.norm(product, width, flags | head);
    const op = this.begin(words.CODE_MATMUL);
    const input: Activations = product.in === "gate" ? this.buffers.gate : this.buffers.input;
    this.put(op + words.OP_FLAGS, head | (product.in === "gate" ? 0 : words.FLAG_OWN));
    this.put(op + words.OP_IN, input.quants);
    this.put(op + words.OP_IN_FLOATS, input.floats);
    this.put(op + words.OP_WIDTH, width);
    this.put(
      op + words.OP_UNITS,
      parts.reduce((sum, part) => sum + units(part.weight), 0),
    );
    for (const part of parts) {
      this.part(part.weight, part);
      if (part.up) this.part(part.up, part);
    }
    this.end(op);
  }

  private norm({ in: input, norm }: Product, width: number, flags: number): void {
    const op = this.begin(words.CODE_NORM);
    this.put(op + words.OP_FLAGS, flags);
    this.put(op + words.OP_IN, input === "hidden" ? this.buffers.hidden : this.buffers.attended);
    this.put(op + words.OP_WIDTH, width);
    this.put(op + words.OP_WEIGHT, norm ? this.tensor(norm.weight) : 0);
    this.memory.setFloat32(op + words.OP_EPSILON, norm?.epsilon ?? 0, true);
    this.put(op + words.OP_OUT, this.buffers.input.quants);
    this.put(op + words.OP_OUT_FLOATS, this.buffers.input.floats);
    this.end(op);
  }

  private part(weight: Tensor, part: Part): void {
    const at = this.at;
    this.at += words.PART_BYTES;
    const layout = layoutOf(weight.type);
    const [then, out] = this.target(part);
    this.put(at + words.PART_DATA, this.tensor(weight));
    this.put(at + words.PART_LAYOUT, layout.id);
    this.put(at + words.PART_ROWS, weight.rows);
    this.put(at + words.PART_UNITS, units(weight));
    this.put(at + words.PART_GROUP_BYTES, groupBytes(layout, weight.cols));
    this.put(at + words.PART_THEN, then);
    this.put(at + words.PART_OUT, out);
    this.put(at + words.PART_OUT_FLOATS, this.buffers.gate.floats);
    this.put(at + words.PART_FLAGS, part.then === "pair" ? this.gateFlags() : 0);
  }

  /** What becomes of a part's outputs, and where they go. */
  private target({ then, out }: Part): [number, number] {
    const { hidden, queries, gate } = this.buffers;
    if (then === "pair") return [words.THEN_PAIR, gate.quants];
    if (then === "add" && out === "hidden") return [words.THEN_ADD, hidden];
    if (then === "rope" && out === "q") return [words.THEN_ROPE_Q, queries];
    if (then === "rope" && out === "k") return [words.THEN_ROPE_K, this.cache().keys];
    if (then === "store" && out === "v") return [words.THEN_V, this.cache().values];
    assert(then === "store" && out === "logits", `The kernels cannot ${then} to ${out}.`);
    return [words.THEN_STORE, this.placement.logits.at];
  }

  private cache() {
    const attend = this.segment.ops.find((op) => op.op === "attend");
    assert(attend, "Keys belong to an attention of the same segment.");
    return this.placement.caches[attend.layer]!;
  }

  /** What the reader of the gate wants: int8, floats. */
  private gateFlags(): number {
    const readers = this.segment.ops.filter((op) => op.op === "product" && op.in === "gate");
    return readers.reduce((flags, op) => flags | (op.op === "product" ? readerFlags(op.parts) : 0), 0);
  }

  private tensor({ name }: Tensor): number {
    const placed = this.placement.tensors.get(name);
    assert(placed?.bank === this.segment.bank, `${name} lies in another bank than ${this.segment.name}.`);
    return placed.at;
  }

  private begin(code: number): number {
    const op = this.at;
    for (let i = 0; i < words.OP_BYTES; i += 4) this.put(op + i, 0);
    this.put(op + words.OP_CODE, code);
    this.put(op + words.OP_BYTES_MODE, this.bytesMode);
    this.at += words.OP_BYTES;
    return op;
  }

  private end(op: number): void {
    this.at = Math.ceil(this.at / 64) * 64; // counters on cache lines of their own
    this.put(op + words.OP_NEXT, this.at - op);
  }

  private put(at: number, word: number): void {
    this.memory.setUint32(at, word, true);
  }
}

function units(weight: Tensor): number {
  return Math.ceil(weight.rows / words.UNIT);
}

function readerFlags(parts: readonly Part[]): number {
  const weights = parts.flatMap(({ weight, up }) => (up ? [weight, up] : [weight]));
  return weights.reduce((flags, { type }) => flags | (layoutOf(type).float ? words.FLAG_FLOATS : words.FLAG_QUANTS), 0);
}
