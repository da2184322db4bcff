// Byte-pair merging: of all neighbours that can be merged the best pair goes first, the leftmost among equals, until none is left.
// A heap keeps a run of n symbols at n log n: 100 kB without a space is one such run.
// Source: llama.cpp src/llama-vocab.cpp, llm_tokenizer_spm_session and llm_tokenizer_bpe_session.

/** How a vocabulary merges. */
export interface Pairs {
  /** Number of the symbol the two make, in this order; -1 where they don't merge. */
  merged(left: number, right: number): number;
  /** Rank of that merge: lower goes first. Only asked where they merge. */
  rank(left: number, right: number, merged: number): number;
}

const EMPTY = -1;
const NOT_MERGING = -2;
const FIRST_SLOTS = 1 << 12;
/** About 8 MB; a text that meets more pairs than half of this starts afresh. */
const MOST_SLOTS = 1 << 19;

/** Merges runs of symbols. Pairs asked before are remembered, so that strings are touched once a pair. */
export class Merger {
  private slots = FIRST_SLOTS;
  private used = 0;
  private keys = new Int32Array(2 * FIRST_SLOTS).fill(EMPTY); // left, right
  private values = new Int32Array(FIRST_SLOTS);
  private ranks = new Float64Array(FIRST_SLOTS);

  private capacity = 0;
  private next = new Int32Array(0); // [symbols] index of the neighbour, -1 at the end
  private previous = new Int32Array(0);
  private lengths = new Int32Array(0); // [symbols] first symbols it is made of; 0: merged away
  private heap = new Int32Array(0); // [3 * symbols] candidates, best first
  private rankOf = new Float64Array(0); // [3 * symbols] by candidate, as the next three
  private leftOf = new Int32Array(0);
  private rightOf = new Int32Array(0);
  private lengthOf = new Int32Array(0);
  private candidates = 0;
  private waiting = 0;

  constructor(private readonly pairs: Pairs) {}

  /** Merges symbols[0..count) in place. Returns how many are left. */
  merge(symbols: Int32Array, count: number): number {
    if (count < 2) return count;
    this.reserve(count);
    this.candidates = this.waiting = 0;
    for (let i = 0; i < count; i++) {
      this.previous[i] = i - 1;
      this.next[i] = i + 1 < count ? i + 1 : -1;
      this.lengths[i] = 1;
    }
    for (let i = 1; i < count; i++) this.offer(symbols, i - 1, i);
    while (this.waiting > 0) this.mergeBest(symbols);
    let kept = 0;
    for (let i = 0; i !== -1; i = this.next[i]) symbols[kept++] = symbols[i];
    return kept;
  }

  /** Forgets every pair: the numbers of symbols mean something else from now on. */
  clear(): void {
    this.slots = FIRST_SLOTS;
    this.allocate();
  }

  private mergeBest(symbols: Int32Array): void {
    const candidate = this.pop();
    const left = this.leftOf[candidate];
    const right = this.rightOf[candidate];
    // Symbols only grow: where the lengths still add up, neither has changed since the pair was offered.
    if (this.lengths[left] === 0 || this.lengths[right] === 0) return;
    if (this.lengths[left] + this.lengths[right] !== this.lengthOf[candidate]) return;
    symbols[left] = this.values[this.find(symbols[left], symbols[right])];
    this.lengths[left] += this.lengths[right];
    this.lengths[right] = 0;
    const after = this.next[right];
    this.next[left] = after;
    if (after !== -1) this.previous[after] = left;
    const before = this.previous[left];
    if (before !== -1) this.offer(symbols, before, left);
    if (after !== -1) this.offer(symbols, left, after);
  }

  private offer(symbols: Int32Array, left: number, right: number): void {
    const slot = this.find(symbols[left], symbols[right]);
    if (this.values[slot] === NOT_MERGING) return;
    const candidate = this.candidates++;
    this.rankOf[candidate] = this.ranks[slot];
    this.leftOf[candidate] = left;
    this.rightOf[candidate] = right;
    this.lengthOf[candidate] = this.lengths[left] + this.lengths[right];
    this.push(candidate);
  }

  private before(a: number, b: number): boolean {
    const rankA = this.rankOf[a];
    const rankB = this.rankOf[b];
    return rankA < rankB || (rankA === rankB && this.leftOf[a] < this.leftOf[b]);
  }

  private push(candidate: number): void {
    const heap = this.heap;
    let at = this.waiting++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(candidate, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = candidate;
  }

  private pop(): number {
    const heap = this.heap;
    const best = heap[0];
    const last = heap[--this.waiting];
    let at = 0;
    for (let child = 1; child < this.waiting; child = 2 * at + 1) {
      if (child + 1 < this.waiting && this.before(heap[child + 1], heap[child])) child++;
      if (!this.before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return best;
  }

  /** Slot of a pair in the table, filled on first meeting. */
  private find(left: number, right: number): number {
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 7;
    for (slot &= this.slots - 1; this.keys[2 * slot] !== EMPTY; slot = (slot + 1) & (this.slots - 1)) {
      if (this.keys[2 * slot] === left && this.keys[2 * slot + 1] === right) return slot;
    }
    if (2 * (this.used + 1) > this.slots) {
      this.grow();
      return this.find(left, right);
    }
    const merged = this.pairs.merged(left, right);
    this.used++;
    this.keys[2 * slot] = left;
    this.keys[2 * slot + 1] = right;
    this.values[slot] = merged < 0 ? NOT_MERGING : merged;
    if (merged >= 0) this.ranks[slot] = this.pairs.rank(left, right, merged);
    return slot;
  }

  private grow(): void {
    const { keys, values, ranks, slots } = this;
    const keep = slots < MOST_SLOTS;
    if (keep) this.slots *= 2;
    this.allocate();
    if (!keep) return;
    for (let old = 0; old < slots; old++) {
      if (keys[2 * old] === EMPTY) continue;
      let slot = (Math.imul(keys[2 * old], 0x9e3779b1) ^ Math.imul(keys[2 * old + 1], 0x85ebca6b)) >>> 7;
      for (slot &= this.slots - 1; this.keys[2 * slot] !== EMPTY;) slot = (slot + 1) & (this.slots - 1);
      this.keys[2 * slot] = keys[2 * old];
      this.keys[2 * slot + 1] = keys[2 * old + 1];
      this.values[slot] = values[old];
      this.ranks[slot] = ranks[old];
      this.used++;
    }
  }

  private allocate(): void {
    this.used = 0;
    this.keys = new Int32Array(2 * this.slots).fill(EMPTY);
    this.values = new Int32Array(this.slots);
    this.ranks = new Float64Array(this.slots);
  }

  private reserve(count: number): void {
    if (count <= this.capacity) return;
    this.capacity = Math.max(count, 2 * this.capacity, 64);
    this.next = new Int32Array(this.capacity);
    this.previous = new Int32Array(this.capacity);
    this.lengths = new Int32Array(this.capacity);
    // Each merge offers two pairs and takes one symbol away: never more than 3 candidates a symbol.
    this.heap = new Int32Array(3 * this.capacity);
    this.rankOf = new Float64Array(3 * this.capacity);
    this.leftOf = new Int32Array(3 * this.capacity);
    this.rightOf = new Int32Array(3 * this.capacity);
    this.lengthOf = new Int32Array(3 * this.capacity);
  }
}
