// Writes the ops of a placement as the words the kernels walk over. Field offsets: assembly/words.ts.
import { assert, EngineError } from "../base/errors.ts";
import type { Attend, Embed, Tensor } from "../base/model.ts";
import { type Additions, NOTHING_ADDED, type PlacedChange, type PlacedPrompt } from "./additions.ts";
import * as words from "./assembly/words.ts";
import { writeExperts } from "./expert-ops.ts";
import { matricesOf, type Part, type Product } from "./fuse.ts";
import { groupBytes, layoutOf } from "./layouts.ts";
import { type Activations } from "./buffers.ts";
import { CHUNK, type Placement, type PlacedSegment } from "./place.ts";
import { OpWriter, units } from "./writer.ts";

/** The ops of a segment as byte addresses [first, last) in its bank. */
export interface Range {
  readonly bank: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Writes all segments' ops into their banks' memories and says where each is. `bytesMode`: how 8-bit codes are read. `additions`: of
 * each bank. Throws `bad_request` where more adapters are in use than a program has room for.
 */
export function writePrograms(
  placement: Placement,
  memories: readonly DataView[],
  bytesMode: number,
  additions: readonly Additions[] = [],
): Range[] {
  const next = placement.banks.map(({ buffers }) => buffers.program);
  return placement.segments.map((segment) => {
    const { bank } = segment;
    const first = next[bank]!;
    const writer = new Writer(placement, segment, additions[bank] ?? NOTHING_ADDED, memories[bank]!, bytesMode, first);
    for (const op of segment.ops) {
      if (op.op === "embed") writer.embed(op);
      else if (op.op === "attend") writer.attend(op);
      else if (op.op === "experts") writeExperts(writer, op, placement.banks[bank]!.buffers, writer.tensor);
      else writer.product(op);
      if (writer.at > placement.banks[bank]!.buffers.ids) throw tooMany();
    }
    next[bank] = writer.at;
    return { bank, first, last: writer.at };
  });
}

class Writer extends OpWriter {
  private readonly buffers;

  constructor(
    private readonly placement: Placement,
    private readonly segment: PlacedSegment,
    private readonly additions: Additions,
    memory: DataView,
    bytesMode: number,
    at: number,
  ) {
    super(memory, bytesMode, at);
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

  attend({ layer, scale, window }: Attend): void {
    const op = this.begin(words.CODE_ATTEND);
    const cache = this.placement.caches[layer]!;
    this.put(op + words.OP_IN, this.buffers.queries);
    this.put(op + words.OP_OUT, this.buffers.attended);
    this.put(op + words.OP_KEYS, cache.keys);
    this.put(op + words.OP_VALUES, cache.values);
    this.put(op + words.OP_WINDOW, window ?? 0);
    this.putFloat(op + words.OP_SCALE, scale);
    this.end(op);
    for (const prompt of this.additions.prompts.get(layer) ?? []) this.prompt(prompt, scale);
  }

  private prompt({ length, keys, values, gates, scale: factor }: PlacedPrompt, scale: number): void {
    const op = this.begin(words.CODE_PROMPT);
    this.put(op + words.OP_IN, this.buffers.queries);
    this.put(op + words.OP_OUT, this.buffers.attended);
    this.put(op + words.OP_LENGTH, length);
    this.put(op + words.OP_KEYS, keys);
    this.put(op + words.OP_VALUES, values);
    this.put(op + words.OP_GATES, gates);
    this.putFloat(op + words.OP_SCALE, scale);
    this.putFloat(op + words.OP_FACTOR, factor);
    this.end(op);
  }

  product(product: Product): void {
    const { parts } = product;
    const width = parts[0]!.weight.cols;
    const head = parts.some((part) => part.out === "logits") ? words.FLAG_HEAD : 0;
    const matrices = matricesOf(product);
    const changes = matrices.flatMap(({ weight }) => this.changesOf(weight));
    if (product.in !== "gate") this.norm(product, width, this.readerFlags(product) | head);
    const inner = changes.length > 0 ? this.innerProducts(product, changes, width, head) : [];
    const op = this.beginProduct(product, width, head);
    this.put(
      op + words.OP_UNITS,
      parts.reduce((sum, part) => sum + units(part.weight.rows), 0),
    );
    const first = this.at;
    for (const part of parts) {
      this.part(part.weight, part);
      if (part.up) this.part(part.up.weight, part);
    }
    for (const [i, { weight, bias }] of matrices.entries()) {
      const own = this.changesOf(weight);
      if (!bias && own.length === 0) continue;
      this.put(first + i * words.PART_BYTES + words.PART_ADDEND, this.addend(bias, own, inner.splice(0, own.length)));
    }
    this.end(op);
  }

  private beginProduct(product: Product, width: number, head: number): number {
    const op = this.begin(words.CODE_MATMUL);
    const input: Activations = product.in === "gate" ? this.buffers.gate : this.buffers.input;
    this.put(op + words.OP_FLAGS, head | (product.in === "gate" ? 0 : words.FLAG_OWN));
    this.put(op + words.OP_IN, input.quants);
    this.put(op + words.OP_IN_FLOATS, input.floats);
    this.put(op + words.OP_WIDTH, width);
    return op;
  }

  /** a · x of every change, as a product before the product. Says where each is, in the order of the changes. */
  private innerProducts(product: Product, changes: readonly PlacedChange[], width: number, head: number): number[] {
    const op = this.beginProduct(product, width, head);
    this.put(
      op + words.OP_UNITS,
      changes.reduce((sum, { rank }) => sum + units(rank), 0),
    );
    let next = this.additions.inner;
    const places = changes.map(({ a, rank }) => {
      const out = next;
      next += CHUNK * rank * 4;
      this.record(words.PART_BYTES, [
        [words.PART_DATA, a],
        [words.PART_LAYOUT, words.L_F32],
        [words.PART_ROWS, rank],
        [words.PART_UNITS, units(rank)],
        [words.PART_GROUP_BYTES, groupBytes(layoutOf("F32"), width)],
        [words.PART_THEN, words.THEN_STORE],
        [words.PART_OUT, out],
      ]);
      return out;
    });
    this.end(op);
    return places;
  }

  /** A record of what is added to outputs. `places`: of each change's inner product. Says where the record is. */
  private addend(bias: Tensor | null, changes: readonly PlacedChange[], places: readonly number[]): number {
    const addend = this.record(words.ADDEND_BYTES, [
      [words.ADDEND_BIAS, bias ? this.tensor(bias) : 0],
      [words.ADDEND_COUNT, changes.length],
    ]);
    for (const [i, { b, rank, scale }] of changes.entries()) {
      const change = this.record(words.CHANGE_BYTES, [
        [words.CHANGE_B, b],
        [words.CHANGE_T, places[i]!],
        [words.CHANGE_RANK, rank],
      ]);
      this.putFloat(change + words.CHANGE_SCALE, scale);
    }
    return addend;
  }

  private changesOf({ name }: Tensor): readonly PlacedChange[] {
    return this.additions.changes.get(name) ?? [];
  }

  private norm({ in: input, norm }: Product, width: number, flags: number): void {
    const op = this.begin(words.CODE_NORM);
    this.put(op + words.OP_FLAGS, flags);
    this.put(op + words.OP_IN, input === "hidden" ? this.buffers.hidden : this.buffers.attended);
    this.put(op + words.OP_WIDTH, width);
    this.put(op + words.OP_WEIGHT, norm ? this.tensor(norm.weight) : 0);
    this.putFloat(op + words.OP_EPSILON, norm?.epsilon ?? 0);
    this.put(op + words.OP_OUT, this.buffers.input.quants);
    this.put(op + words.OP_OUT_FLOATS, this.buffers.input.floats);
    this.end(op);
  }

  private part(weight: Tensor, part: Part): void {
    const layout = layoutOf(weight.type);
    const [then, out] = this.target(part);
    this.record(words.PART_BYTES, [
      [words.PART_DATA, this.tensor(weight)],
      [words.PART_LAYOUT, layout.id],
      [words.PART_ROWS, weight.rows],
      [words.PART_UNITS, units(weight.rows)],
      [words.PART_GROUP_BYTES, groupBytes(layout, weight.cols)],
      [words.PART_THEN, then],
      [words.PART_OUT, out],
      [words.PART_OUT_FLOATS, this.buffers.gate.floats],
      [words.PART_FLAGS, part.then === "pair" ? this.gateFlags() : 0],
    ]);
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
    return readers.reduce((flags, op) => flags | (op.op === "product" ? this.readerFlags(op) : 0), 0);
  }

  /** Where a weight of this segment lies. */
  readonly tensor = ({ name }: Tensor): number => {
    const placed = this.placement.tensors.get(name);
    assert(placed?.bank === this.segment.bank, `${name} lies in another bank than ${this.segment.name}.`);
    return placed.at;
  };

  private readerFlags(product: Product): number {
    return matricesOf(product).reduce((flags, { weight }) => {
      const changed = this.changesOf(weight).length > 0 ? words.FLAG_FLOATS : 0;
      return flags | changed | (layoutOf(weight.type).float ? words.FLAG_FLOATS : words.FLAG_QUANTS);
    }, 0);
  }
}

function tooMany(): EngineError {
  return new EngineError(
    "bad_request",
    "So many adapters cannot be in use at once.",
    "Choose fewer, or merge some into the model.",
  );
}
