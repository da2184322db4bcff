// What a model has read, beyond the one conversation in its KV cache: in memory within a budget, and on disk for those that are kept there.
// Keys and values lie in blocks of 64 positions, named by all tokens up to their end, so that conversations share what they begin with.
import { createSHA256 } from "hash-wasm";
import type { SnapshotStore } from "./base/host.ts";
import { commonPrefix, type Session } from "./model/session.ts";

/** Positions of a block. */
export const BLOCK = 64;
/** Share of the device's memory that blocks may take, and its bounds; the browser rounds what it tells. */
const SHARE = 1 / 16;
const [LEAST_BYTES, MOST_BYTES] = [2 ** 26, 2 ** 29];

/** What makes keys and values those of a model, beside the tokens. */
export interface Origin {
  /** Key of the model in the store. */
  readonly model: string;
  /** Tells this file from another under the same key. */
  readonly fingerprint: string;
}

/** What is applied to the weights while a text is read. */
export interface Variant {
  /** Tells it from others; "" where nothing is, and no other variant is kept on disk: the names of adapters are good for one visit. */
  readonly name: string;
  apply(): void;
}

/** A conversation that makes way, with what fills no block. */
export interface Kept {
  readonly tokens: readonly number[];
  readonly tail: Uint8Array | null;
  readonly variant: Variant;
  readonly isWorth: boolean;
}

export class KvMemory {
  private readonly blocks = new Map<string, Uint8Array>(); // least recently used first
  private heldBytes = 0;
  private readonly budgetBytes: number;
  /** Under which the cache was filled. */
  private variant: Variant = { name: "", apply: () => undefined };
  /** Whether what the cache holds is worth keeping when another prompt comes. */
  private isWorth = false;

  constructor(
    private readonly session: Session,
    private readonly origin: Origin,
    private readonly store: SnapshotStore | null,
    memoryBytes: number | null,
  ) {
    this.budgetBytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, (memoryBytes ?? 2 ** 32) * SHARE));
  }

  /**
   * Turns to another prompt under a variant: keeps the conversation in the cache if it would be lost, and fills the cache with what is known
   * of the prompt, if that is more than it holds. `isWorth`: this is a conversation that one may come back to.
   */
  async turnTo(prompt: readonly number[], variant: Variant, isWorth: boolean): Promise<void> {
    const { session } = this;
    const { snapshots } = session;
    const same = variant.name === this.variant.name ? commonPrefix(session.cached, prompt) : 0;
    if (this.isWorth && session.cached.length - same >= BLOCK) await this.hold(session.cached);
    this.isWorth = isWorth;
    this.variant = variant;
    variant.apply();
    if (!snapshots || prompt.length <= BLOCK) return;
    const names = await this.names(prompt.slice(0, -1)); // the last token is read in any case
    const first = Math.floor(same / BLOCK);
    const found = await this.find(names, first);
    if (found.length === 0) return;
    const end = (first + found.length) * BLOCK;
    await snapshots.restore(prompt.slice(0, end), first * BLOCK, joined(found));
  }

  /** Takes the conversation in the cache out of its way. */
  async put(): Promise<Kept> {
    const { cached, snapshots } = this.session;
    const { variant, isWorth } = this;
    const tokens = [...cached];
    const whole = tokens.length - (tokens.length % BLOCK);
    await this.hold(tokens);
    const fits = snapshots && tokens.length > whole;
    return { tokens, tail: fits ? await snapshots.read(whole, tokens.length - whole) : null, variant, isWorth };
  }

  /** Puts it back: from memory as far as that goes, else by reading it again. Throws `aborted`. */
  async bring({ tokens, tail, variant, isWorth }: Kept, signal?: AbortSignal): Promise<void> {
    const { session } = this;
    await this.turnTo([...tokens, 0], variant, isWorth); // all of it is known, so that one more is to be read

    const whole = tokens.length - (tokens.length % BLOCK);
    const isThere = commonPrefix(session.cached, tokens) >= whole;
    if (tail && isThere && session.snapshots) await session.snapshots.restore(tokens, whole, tail);
    if (tokens.length > 0 && commonPrefix(session.cached, tokens) < tokens.length) await session.prefill(tokens, { signal });
    session.truncate(tokens.length);
  }

  /** Reads what the store lacks of the conversation in the cache; what it gives writes that, at any later time, and never rejects. */
  async save(conversation: string): Promise<() => Promise<void>> {
    const { session, store, origin } = this;
    const { snapshots } = session;
    const names = snapshots && store && this.variant.name === "" ? await this.names(session.cached) : [];
    if (!snapshots || !store || names.length === 0) return () => Promise.resolve();
    const known = await store.known(names);
    const fresh = new Map<string, Uint8Array>();
    for (const [index, name] of names.entries()) {
      if (!known.has(name)) fresh.set(name, this.blocks.get(name) ?? (await snapshots.read(index * BLOCK, BLOCK)));
    }
    return () => store.keep({ conversation, model: origin.model, names, blockBytes: BLOCK * snapshots.positionBytes }, fresh);
  }

  /** Keeps the whole blocks of tokens that are in the cache, within the budget. */
  private async hold(tokens: readonly number[]): Promise<void> {
    const { snapshots } = this.session;
    if (!snapshots || tokens.length * snapshots.positionBytes > this.budgetBytes) return;
    for (const [index, name] of (await this.names(tokens)).entries()) {
      this.remember(name, this.blocks.get(name) ?? (await snapshots.read(index * BLOCK, BLOCK)));
    }
  }

  private remember(name: string, bytes: Uint8Array): void {
    if (!this.blocks.delete(name)) this.heldBytes += bytes.length;
    this.blocks.set(name, bytes);
    for (const [oldest, { length }] of this.blocks) {
      if (this.heldBytes <= this.budgetBytes) return;
      this.blocks.delete(oldest);
      this.heldBytes -= length;
    }
  }

  /** Blocks from number `first` on, without a gap: from memory, then from the store. */
  private async find(names: readonly string[], first: number): Promise<Uint8Array[]> {
    const found: Uint8Array[] = [];
    for (const name of names.slice(first)) {
      const block = this.blocks.get(name);
      if (!block) break;
      found.push(block);
    }
    const rest = names.slice(first + found.length);
    const bytes = BLOCK * (this.session.snapshots?.positionBytes ?? 0);
    const stored = this.store && rest.length > 0 && this.variant.name === "" ? await this.store.find(rest) : [];
    for (const block of stored) {
      if (block.length !== bytes) break;
      found.push(block);
    }
    return found;
  }

  /** Names of the whole blocks of a text. */
  private async names(tokens: readonly number[]): Promise<string[]> {
    const { form } = this.session.snapshots!;
    const hash = await createSHA256();
    const { model, fingerprint } = this.origin;
    let name = JSON.stringify([model, fingerprint, form, this.variant.name]);
    return Array.from({ length: Math.floor(tokens.length / BLOCK) }, (_, index) => {
      const ids = Uint32Array.from(tokens.slice(index * BLOCK, (index + 1) * BLOCK));
      name = hash.init().update(name).update(new Uint8Array(ids.buffer)).digest("hex");
      return name;
    });
  }
}

function joined(blocks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
