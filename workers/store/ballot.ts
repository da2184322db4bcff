// Copies of shards that do not agree: which of them to believe, in what order to try. A published hash of the whole file has the last word.

type Bytes = Uint8Array<ArrayBuffer>;

/** Copies of one shard: how often each was seen, by SHA-256; the bytes of those that are not the stored one. */
interface Candidates {
  readonly stored: string;
  readonly votes: Map<string, number>;
  readonly bytes: Map<string, Bytes>;
}

/** Combinations tried at the very end. */
const COMBINATIONS = 64;
/** Copies held in memory, 16 MiB each; later ones push earlier ones out. */
const HELD = 8;

/** Counts equal copies of each shard. Not for opponents: for lines and disks that err. */
export class Ballot {
  private readonly shards = new Map<number, Candidates>();
  private readonly held: { readonly index: number; readonly hash: string }[] = [];

  /** True once any two copies of a shard have differed. */
  get differ(): boolean {
    return [...this.shards.values()].some((shard) => shard.votes.size > 1);
  }

  /** The copy that is in the store. */
  enter(index: number, hash: string): void {
    this.shards.set(index, { stored: hash, votes: new Map([[hash, 1]]), bytes: new Map() });
  }

  /** Another copy. True where it is like none before. */
  vote(index: number, hash: string, bytes: Bytes): boolean {
    const { stored, votes, bytes: kept } = this.shards.get(index)!;
    const before = votes.get(hash) ?? 0;
    votes.set(hash, before + 1);
    if (hash !== stored && !kept.has(hash)) {
      kept.set(hash, bytes);
      this.held.push({ index, hash });
      const out = this.held.length > HELD ? this.held.shift() : undefined;
      if (out) this.shards.get(out.index)!.bytes.delete(out.hash);
    }
    return before === 0;
  }

  /** Replacements by which every shard has its most frequent copy, and shard `index` its latest. */
  leading(index: number): Map<number, Bytes> {
    const choice = this.majority("stored");
    const latest = [...this.shards.get(index)!.bytes.values()].at(-1);
    return latest ? choice.set(index, latest) : choice;
  }

  /** Replacements worth trying when every shard has one more copy; with `all`, also any combination of those held. */
  *choices(all: boolean): Generator<Map<number, Bytes>> {
    yield this.majority("stored");
    yield this.majority("latest");
    if (all) yield* this.combinations();
  }

  private majority(tie: "stored" | "latest"): Map<number, Bytes> {
    const choice = new Map<number, Bytes>();
    for (const [index, { stored, votes, bytes }] of this.shards) {
      let best: { readonly hash: string; readonly count: number } = { hash: stored, count: votes.get(stored)! };
      for (const hash of bytes.keys()) {
        const count = votes.get(hash)!;
        if (count > best.count || (count === best.count && tie === "latest")) best = { hash, count };
      }
      const chosen = bytes.get(best.hash);
      if (chosen) choice.set(index, chosen);
    }
    return choice;
  }

  private *combinations(): Generator<Map<number, Bytes>> {
    const open = [...this.shards]
      .filter(([, shard]) => shard.bytes.size > 0)
      .map(([index, { bytes }]) => ({ index, copies: [null, ...bytes.values()] }));
    const total = Math.min(
      COMBINATIONS,
      open.reduce((product, { copies }) => product * copies.length, 1),
    );
    for (let number = 1; number < total; number++) {
      const choice = new Map<number, Bytes>();
      let rest = number;
      for (const { index, copies } of open) {
        const copy = copies[rest % copies.length];
        rest = Math.floor(rest / copies.length);
        if (copy) choice.set(index, copy);
      }
      yield choice;
    }
  }
}
