// Where a text stands in a grammar: every way to read it so far at once, each with the rules it has to come back to.
import { EngineError } from "../base/errors.ts";
import type { Network } from "./network.ts";

/** Where to go on once the rules called since are done. Equal stacks are the same object. */
interface Stack {
  readonly id: number;
  readonly back: number;
  readonly under: Stack | null;
  /** Fewest bytes from `back` on to the end of the text. */
  readonly least: number;
}

interface Way {
  readonly state: number;
  readonly stack: Stack | null;
}

/** A place in the text. Equal places are the same object, so that what is known of one need not be found again. */
export interface Position {
  readonly id: number;
  /** The text may end here. */
  readonly accepts: boolean;
  /** Fewest bytes to an end. */
  readonly least: number;
  readonly ways: readonly Way[];
  /** [256] the position after a byte; undefined where it was not asked for, null where there is none. */
  readonly after: (Position | null | undefined)[];
}

/** Ways at once. More come only from grammars in which nearly everything can be read in many ways. */
const MOST_WAYS = 4096;

/** The positions of one grammar, made as they are reached. */
export class Positions {
  readonly start: Position;
  private readonly known = new Map<string, Position>();
  private readonly stacks = new Map<string, Stack>();
  private made = 0;

  constructor(private readonly network: Network) {
    this.start = this.intern([{ state: network.start, stack: null }])!;
  }

  /** How many there are by now; more than a caller wants to keep are a reason to start over with `forget`. */
  get count(): number {
    return this.known.size;
  }

  /** Drops what was reached; positions held by the caller stay good. */
  forget(): void {
    this.known.clear();
    this.stacks.clear();
  }

  /** The position after a byte, null where the grammar has no such text. */
  step(position: Position, byte: number): Position | null {
    const known = position.after[byte];
    if (known !== undefined) return known;
    const ways: Way[] = [];
    for (const { state, stack } of position.ways) {
      for (const { first, last, to } of this.network.states[state]!.bytes) {
        if (byte >= first && byte <= last) ways.push({ state: to, stack });
      }
    }
    return (position.after[byte] = ways.length > 0 ? this.intern(ways) : null);
  }

  /** The position all of these ways lead to; null where none of them can be finished. */
  private intern(ways: readonly Way[]): Position | null {
    const { waiting, accepts } = this.close(ways);
    if (waiting.length === 0 && !accepts) return null;
    const key = `${accepts ? "." : ""}${waiting.map(nameOf).sort().join(" ")}`;
    const known = this.known.get(key);
    if (known) return known;
    let least = accepts ? 0 : Infinity;
    for (const { state, stack } of waiting) least = Math.min(least, this.network.least[state]! + (stack?.least ?? 0));
    const position: Position = { id: this.made++, accepts, least, ways: waiting, after: new Array<undefined>(256) };
    this.known.set(key, position);
    return position;
  }

  /** Follows what costs no byte. Keeps the ways that wait for one. */
  private close(ways: readonly Way[]): { waiting: Way[]; accepts: boolean } {
    const { states, least } = this.network;
    const open = [...ways];
    const seen = new Set<string>();
    const waiting: Way[] = [];
    let accepts = false;
    while (open.length > 0) {
      const way = open.pop()!;
      const name = nameOf(way);
      if (seen.has(name)) continue;
      seen.add(name);
      if (seen.size > MOST_WAYS) throw tooAmbiguous();
      const { state, stack } = way;
      const { bytes, free, calls, end } = states[state]!;
      if (bytes.length > 0 && Number.isFinite(least[state]!)) waiting.push(way);
      for (const to of free) open.push({ state: to, stack });
      for (const { to, back } of calls) {
        if (Number.isFinite(least[to]! + least[back]!)) open.push({ state: to, stack: this.push(back, stack) });
      }
      if (!end) continue;
      if (stack) open.push({ state: stack.back, stack: stack.under });
      else accepts = true;
    }
    return { waiting, accepts };
  }

  private push(back: number, under: Stack | null): Stack | null {
    const { bytes, free, calls } = this.network.states[back]!;
    // Nothing is left to do there but to go further back: a list of any length keeps one stack.
    if (this.network.states[back]!.end && bytes.length + free.length + calls.length === 0) return under;
    const key = `${back}/${under?.id ?? ""}`;
    const known = this.stacks.get(key);
    if (known) return known;
    const stack = { id: this.made++, back, under, least: this.network.least[back]! + (under?.least ?? 0) };
    this.stacks.set(key, stack);
    return stack;
  }
}

function nameOf({ state, stack }: Way): string {
  return `${state}:${stack?.id ?? ""}`;
}

function tooAmbiguous(): EngineError {
  const message = `The grammar can be read in more than ${MOST_WAYS} ways at one place.`;
  return new EngineError("bad_request", message, "Make its alternatives begin differently.");
}
