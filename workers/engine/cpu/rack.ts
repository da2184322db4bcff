// The adapters beside a model's weights: placed in the banks of the layers they change, and written into the programs when used.
import type { Adapter, AdapterRack, Applied, LayerPrompt, LowRank } from "../base/adapter.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Model, Tensor } from "../base/model.ts";
import type { Additions, PlacedChange, PlacedPrompt } from "./additions.ts";
import { RUN, TILE_ROWS, UNIT } from "./assembly/words.ts";
import { matricesOf } from "./fuse.ts";
import type { Block, Heap } from "./heap.ts";
import { CHUNK, type PlacedSegment, type Placement } from "./place.ts";

/** Where a layer's or a weight's share of an adapter lies. */
interface Held<Place> {
  readonly bank: number;
  readonly blocks: readonly Block[];
  readonly place: Omit<Place, "scale">;
}

interface HeldAdapter {
  readonly changes: ReadonlyMap<string, Held<PlacedChange>>;
  readonly prompts: ReadonlyMap<number, Held<PlacedPrompt>>;
}

/** Positions of a prompt whose scores a thread has room for. */
const MOST_POSITIONS = TILE_ROWS * RUN;

/** Adapters in the heaps of their banks. `write` makes the programs anew with what the adapters in use add, bank by bank. */
export class CpuAdapterRack implements AdapterRack {
  private readonly held: (HeldAdapter | null)[] = [];
  private applied: readonly Applied[] = [];
  private readonly inner: (Block | null)[];

  constructor(
    private readonly model: Model,
    private readonly placement: Placement,
    private readonly memories: readonly WebAssembly.Memory[],
    private readonly heaps: readonly Heap[],
    private readonly breathe: () => Promise<void>,
    private readonly write: (additions: readonly Additions[]) => void,
  ) {
    this.inner = heaps.map(() => null);
  }

  async add(adapter: Adapter): Promise<number> {
    const changes = new Map<string, Held<PlacedChange>>();
    const prompts = new Map<number, Held<PlacedPrompt>>();
    try {
      for (const [name, change] of adapter.lowRank) {
        await this.breathe();
        changes.set(name, this.placeChange(name, change));
      }
      for (const [layer, prompt] of adapter.prompts) prompts.set(layer, this.placePrompt(layer, prompt));
    } catch (error) {
      this.giveBack({ changes, prompts });
      throw error;
    }
    return this.held.push({ changes, prompts }) - 1;
  }

  remove(adapter: number): void {
    const held = this.held[adapter];
    if (!held) return;
    if (this.applied.some((use) => use.adapter === adapter)) this.use(this.applied.filter((use) => use.adapter !== adapter));
    this.held[adapter] = null;
    this.giveBack(held);
  }

  use(applied: readonly Applied[]): void {
    const wanted = applied.filter(({ scale }) => scale !== 0);
    const same = wanted.length === this.applied.length && wanted.every((use, i) => isSame(use, this.applied[i]!));
    if (same) return;
    const before = this.applied;
    try {
      this.applied = wanted;
      this.write(this.additions());
    } catch (error) {
      this.applied = before;
      this.write(this.additions());
      throw error;
    }
  }

  private additions(): Additions[] {
    return this.heaps.map((_, bank) => {
      const changes = new Map<string, PlacedChange[]>();
      const prompts = new Map<number, PlacedPrompt[]>();
      for (const { adapter, scale } of this.applied) {
        const held = this.held[adapter];
        assert(held, `There is no adapter ${adapter}.`);
        for (const [name, change] of held.changes) {
          if (change.bank === bank) changes.set(name, [...(changes.get(name) ?? []), { ...change.place, scale }]);
        }
        for (const [layer, prompt] of held.prompts) {
          if (prompt.bank === bank) prompts.set(layer, [...(prompts.get(layer) ?? []), { ...prompt.place, scale }]);
        }
      }
      return { changes, prompts, inner: this.roomForInner(bank, changes) };
    });
  }

  /** Room for a · x of the changes of any one segment. */
  private roomForInner(bank: number, changes: ReadonlyMap<string, readonly PlacedChange[]>): number {
    const ranks = this.placement.segments.map((segment) =>
      weightsOf(segment).reduce(
        (sum, { name }) => sum + (changes.get(name) ?? []).reduce((total, { rank }) => total + rank, 0),
        0,
      ),
    );
    const bytes = CHUNK * Math.max(...ranks) * 4;
    const block = this.inner[bank];
    if (block && block.bytes >= bytes) return block.at;
    if (bytes === 0) return 0;
    if (block) this.heaps[bank]!.give(block);
    this.inner[bank] = null; // should the next line throw
    return (this.inner[bank] = this.heaps[bank]!.take(bytes)).at;
  }

  private placeChange(name: string, { rank, a, b }: LowRank): Held<PlacedChange> {
    const segment = this.placement.segments.find((one) => weightsOf(one).some((weight) => weight.name === name));
    const weight = segment && weightsOf(segment).find((one) => one.name === name);
    if (!segment || !weight) throw misfit(`it changes ${name}, which is no product of this model`);
    if (isEmbedding(this.placement, name)) throw misfit("it changes the embedding; that works only merged into the model");
    if (a.length !== rank * weight.cols || b.length !== weight.rows * rank) {
      const made = `${Math.round(b.length / rank)} x ${Math.round(a.length / rank)}`;
      throw misfit(`its change of ${name} is for ${made} weights, not ${weight.rows} x ${weight.cols}`);
    }
    const { bank } = segment;
    const blocks = this.takeAll(bank, [
      Math.ceil(rank / 8) * 8 * weight.cols * 4,
      Math.ceil(weight.rows / UNIT) * UNIT * rank * 4,
    ]);
    const { buffer } = this.memories[bank]!;
    const [forA, forB] = blocks.map(({ at, bytes }) => new Float32Array(buffer, at, bytes / 4).fill(0));
    for (let r = 0; r < rank; r++) {
      for (let k = 0; k < weight.cols; k++) forA![((r >> 3) * weight.cols + k) * 8 + (r & 7)] = a[r * weight.cols + k]!;
    }
    for (let row = 0; row < weight.rows; row++) {
      const at = Math.floor(row / UNIT) * UNIT * rank + (row % UNIT);
      for (let r = 0; r < rank; r++) forB![at + r * UNIT] = b[row * rank + r]!;
    }
    return { bank, blocks, place: { a: blocks[0]!.at, b: blocks[1]!.at, rank } };
  }

  private placePrompt(layer: number, { length, keys, values, gates }: LayerPrompt): Held<PlacedPrompt> {
    const { heads, kvHeads, headDim } = this.model.shape;
    const segment = this.placement.segments.find(({ ops }) => ops.some((op) => op.op === "attend" && op.layer === layer));
    if (!segment) throw misfit(`it has a prompt for layer ${layer}`);
    const width = length * kvHeads * headDim;
    if (length < 1 || length > MOST_POSITIONS || keys.length !== width || values.length !== width || gates.length !== heads) {
      throw misfit(`its prompt of ${length} positions for layer ${layer} has other extents`);
    }
    const blocks = this.takeAll(segment.bank, [width * 4, width * 4, heads * 4]);
    const { buffer } = this.memories[segment.bank]!;
    for (const [i, numbers] of [keys, values, gates].entries()) {
      new Float32Array(buffer, blocks[i]!.at, numbers.length).set(numbers);
    }
    const [forKeys, forValues, forGates] = blocks.map(({ at }) => at);
    return { bank: segment.bank, blocks, place: { length, keys: forKeys!, values: forValues!, gates: forGates! } };
  }

  /** All blocks or none. */
  private takeAll(bank: number, sizes: readonly number[]): Block[] {
    const taken: Block[] = [];
    try {
      for (const bytes of sizes) taken.push(this.heaps[bank]!.take(bytes));
      return taken;
    } catch (error) {
      for (const block of taken) this.heaps[bank]!.give(block);
      throw error;
    }
  }

  private giveBack({ changes, prompts }: HeldAdapter): void {
    for (const { bank, blocks } of [...changes.values(), ...prompts.values()]) {
      for (const block of blocks) this.heaps[bank]!.give(block);
    }
  }
}

/** The weights that a segment multiplies with. */
function weightsOf({ ops }: PlacedSegment): Tensor[] {
  return ops.flatMap((op) => (op.op === "product" ? matricesOf(op).map(({ weight }) => weight) : []));
}

/** A head may share the embedding's weights, but an adapter of one is none of the other. */
function isEmbedding({ segments }: Placement, name: string): boolean {
  return segments.some(({ ops }) => ops.some((op) => op.op === "embed" && op.weight.name === name));
}

function isSame(a: Applied, b: Applied): boolean {
  return a.adapter === b.adapter && a.scale === b.scale;
}

function misfit(what: string): EngineError {
  return new EngineError("bad_file", `The adapter does not fit this model: ${what}.`, "Choose the model it was trained on.");
}
