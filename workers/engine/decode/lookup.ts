// Guesses the next tokens from the text itself: what followed the last few tokens when they stood there before. A guess is
// checked in one small batch, which costs a fraction of its tokens read one by one, and never changes what is said.
// Source: Saxena, "Prompt Lookup Decoding", github.com/apoorvumang/prompt-lookup-decoding.

/** Weight of the newest measurement in an average. */
const NEWEST = 0.25;
/** Tokens that have to agree before what followed them is guessed again: two agree too often by chance. */
const MATCH = 3;
/** Guesses of a first try, and of one after a success: with the token just picked, batches of four and eight. */
const FEW = 3;
const MANY = 7;
/** Tokens without guesses after a failure; doubled with each one in a row. */
const SHORT_REST = 16;
const LONG_REST = 512;

/** Remembers a text and guesses how it goes on, as long as that saves time by its own measure. */
export class Lookup {
  private readonly tokens: number[] = [];
  /** Position after the last occurrence of MATCH tokens, by their key. The text's own end is not in it yet. */
  private readonly places = new Map<number, number>();
  /** Milliseconds to read one token, on average; 0 while unknown. */
  private singleMs = 0;
  /** Of the last batch. */
  private batchMs = 0;
  private most = FEW;
  private resting = 0;
  private rest = SHORT_REST;

  /** Begins with a text. `vocab` to the power of three is exact up to 208,000 tokens. */
  constructor(
    private readonly vocab: number,
    text: readonly number[],
  ) {
    for (const token of text) this.add(token);
  }

  /** Appends a token to the text. */
  add(token: number): void {
    const { tokens } = this;
    if (tokens.length >= MATCH) this.places.set(this.key(), tokens.length);
    tokens.push(token);
    if (this.resting > 0) this.resting--;
  }

  /** Tokens that may come next, at most `room`; none where nothing is known or guessing did not pay lately. */
  guess(room: number): number[] {
    if (this.resting > 0 || this.singleMs === 0 || this.tokens.length < MATCH) return [];
    const place = this.places.get(this.key());
    return place === undefined ? [] : this.tokens.slice(place, place + Math.min(this.most, room));
  }

  /** Learns how long it took to read a token with so many guesses. */
  time(guessed: number, elapsedMs: number): void {
    if (guessed > 0) this.batchMs = elapsedMs;
    else this.singleMs = this.singleMs === 0 ? elapsedMs : this.singleMs + NEWEST * (elapsedMs - this.singleMs);
  }

  /** Learns how many tokens became known by reading one with so many guesses: more than reading them one by one would have? */
  learn(guessed: number, known: number): void {
    if (guessed === 0) return;
    const paid = known * this.singleMs > this.batchMs;
    this.most = paid ? MANY : FEW;
    this.resting = paid ? 0 : this.rest;
    this.rest = paid ? SHORT_REST : Math.min(LONG_REST, 2 * this.rest);
  }

  /** Of the last MATCH tokens. */
  private key(): number {
    return this.tokens.slice(-MATCH).reduce((key, token) => key * this.vocab + token, 0);
  }
}
