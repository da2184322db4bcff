// The ops of a mixture of experts: router, choice, gathered activations, the experts' two products, and their sum.
import { assert } from "../base/errors.ts";
import type { Experts, Tensor } from "../base/model.ts";
import * as words from "./assembly/words.ts";
import { groupBytes, layoutOf } from "./layouts.ts";
import type { Activations, Buffers } from "./buffers.ts";
import { type OpWriter, units } from "./writer.ts";

type Fields = readonly (readonly [offset: number, word: number])[];

/** Writes a step. `addressOf` says where a weight lies. */
export function writeExperts(out: OpWriter, step: Experts, buffers: Buffers, addressOf: (tensor: Tensor) => number): void {
  const { norm, router, gate, up, down, count, used } = step;
  const { hidden, input, gate: between, experts } = buffers;
  assert(experts, "A mixture of experts has buffers of its own.");
  const dim = router.cols;
  const table: Fields = [
    [words.OP_TABLE, experts.table],
    [words.OP_COUNT, count],
    [words.OP_USED, used],
  ];
  const write = (code: number, fields: Fields, parts: readonly Fields[] = []): void => {
    const op = out.begin(code);
    for (const [offset, word] of [...table, ...fields]) out.put(op + offset, word);
    if (code === words.CODE_NORM || code === words.CODE_GATHER) out.putFloat(op + words.OP_EPSILON, norm.epsilon);
    for (const part of parts) out.record(words.PART_BYTES, part);
    out.end(op);
  };
  const normed = (to: Activations, flags: number): Fields => [
    [words.OP_FLAGS, flags],
    [words.OP_IN, hidden],
    [words.OP_WIDTH, dim],
    [words.OP_WEIGHT, addressOf(norm.weight)],
    [words.OP_OUT, to.quants],
    [words.OP_OUT_FLOATS, to.floats],
  ];
  const reading = (from: Activations, width: number, flags: number): Fields => [
    [words.OP_FLAGS, flags],
    [words.OP_IN, from.quants],
    [words.OP_IN_FLOATS, from.floats],
    [words.OP_WIDTH, width],
  ];
  const part = (weight: Tensor, of: number, fields: Fields): Fields => {
    const layout = layoutOf(weight.type);
    const rows = weight.rows / of;
    const group = groupBytes(layout, weight.cols);
    return [
      [words.PART_DATA, addressOf(weight)],
      [words.PART_LAYOUT, layout.id],
      [words.PART_ROWS, rows],
      [words.PART_UNITS, units(rows)],
      [words.PART_GROUP_BYTES, group],
      [words.PART_EXPERT_BYTES, of > 1 ? (rows / 8) * group : 0],
      ...fields,
    ];
  };
  const stored = (at: number): Fields => [
    [words.PART_THEN, words.THEN_STORE],
    [words.PART_OUT, at],
  ];
  const paired: Fields = [
    [words.PART_THEN, words.THEN_PAIR],
    [words.PART_OUT, between.quants],
    [words.PART_OUT_FLOATS, between.floats],
    [words.PART_FLAGS, flagOf(down)],
  ];
  const wanted = flagOf(gate) | flagOf(up);
  // Of one token, router and experts read the activations that each thread makes for itself.
  write(words.CODE_NORM, normed(input, flagOf(router) | wanted));
  const choose = [...reading(input, dim, words.FLAG_OWN), [words.OP_UNITS, units(count)]] as const;
  write(words.CODE_MATMUL, choose, [part(router, 1, stored(experts.router))]);
  write(words.CODE_ROUTE, [[words.OP_IN, experts.router]]);
  write(words.CODE_GATHER, normed(experts.input, wanted));
  write(words.CODE_EXPERTS, reading(experts.input, dim, words.FLAG_OWN), [part(gate, count, paired), part(up, count, paired)]);
  write(words.CODE_EXPERTS, reading(between, down.cols, 0), [part(down, count, stored(experts.outputs))]);
  const summed: Fields = [
    [words.OP_IN, experts.outputs],
    [words.OP_OUT, hidden],
    [words.OP_WIDTH, dim],
  ];
  write(words.CODE_COMBINE, summed);
}

function flagOf({ type }: Tensor): number {
  return layoutOf(type).float ? words.FLAG_FLOATS : words.FLAG_QUANTS;
}
