// A grammar as a network of states: from each, bytes lead on, rules are called, or the rule is done.
import { EngineError } from "../base/errors.ts";
import type { Expression, Rules } from "./expression.ts";

/** Where a rule stands. `least` and `calls` speak of state numbers, -1 of none. */
export interface State {
  /** Ranges of bytes and the state each leads to. */
  readonly bytes: { readonly first: number; readonly last: number; readonly to: number }[];
  /** States that cost nothing to reach. */
  readonly free: number[];
  /** First state of a rule, and where to go on after it. */
  readonly calls: { readonly to: number; readonly back: number }[];
  /** The rule may end here. */
  end: boolean;
}

export interface Network {
  readonly states: readonly State[];
  readonly start: number;
  /** [states] fewest bytes from a state to the end of its rule. */
  readonly least: Float64Array;
}

/** A grammar that comes to more than this is one that counts too far. */
const MOST_STATES = 300_000;

/** Throws `bad_request` for a rule that is missing, begins with itself, can never end, or for too many states. */
export function buildNetwork(rules: Rules): Network {
  const builder = new Builder(rules);
  const start = builder.entry("root");
  const { states } = builder;
  const least = leastBytes(states);
  if (!Number.isFinite(least[start])) throw unusable("nothing satisfies it");
  refuseLeftRecursion(states);
  return { states, start, least };
}

class Builder {
  readonly states: State[] = [];
  private readonly entries = new Map<string, number>();

  constructor(private readonly rules: Rules) {}

  entry(name: string): number {
    const known = this.entries.get(name);
    if (known !== undefined) return known;
    const expression = this.rules.get(name);
    if (!expression) throw unusable(`there is no rule "${name}"`);
    const start = this.state();
    this.entries.set(name, start);
    this.states[this.add(expression, start)]!.end = true;
    return start;
  }

  /** Lays an expression out from a state. Returns the state after it. */
  private add(expression: Expression, from: number): number {
    switch (expression.kind) {
      case "bytes": {
        const to = this.state();
        for (const [first, last] of expression.ranges) this.states[from]!.bytes.push({ first, last, to });
        return to;
      }
      case "sequence":
        return expression.parts.reduce((at, part) => this.add(part, at), from);
      case "choice": {
        const after = this.state();
        for (const part of expression.parts) this.states[this.add(part, this.follow(from))]!.free.push(after);
        return after;
      }
      case "rule": {
        const back = this.state();
        this.states[from]!.calls.push({ to: this.entry(expression.name), back });
        return back;
      }
      case "repeat":
        return this.repeat(expression, from);
    }
  }

  private repeat({ part, least, most }: Extract<Expression, { kind: "repeat" }>, from: number): number {
    let at = from;
    for (let i = 0; i < least; i++) at = this.add(part, at);
    const after = this.state();
    if (most === Infinity) {
      const loop = this.follow(at);
      this.states[this.add(part, loop)]!.free.push(loop);
      this.states[loop]!.free.push(after);
      return after;
    }
    for (let i = least; i < most; i++) {
      this.states[at]!.free.push(after);
      at = this.add(part, this.follow(at));
    }
    this.states[at]!.free.push(after);
    return after;
  }

  private follow(from: number): number {
    const next = this.state();
    this.states[from]!.free.push(next);
    return next;
  }

  private state(): number {
    if (this.states.length === MOST_STATES) throw unusable("it counts too far: lower its greatest lengths and repetitions");
    return this.states.push({ bytes: [], free: [], calls: [], end: false }) - 1;
  }
}

/** Shortest ways to the end of a rule, by relaxing until nothing gets shorter: a rule's own length is part of its callers'. */
function leastBytes(states: readonly State[]): Float64Array {
  const least = new Float64Array(states.length).fill(Infinity);
  for (let changed = true; changed;) {
    changed = false;
    for (let i = states.length - 1; i >= 0; i--) {
      const { bytes, free, calls, end } = states[i]!;
      let best = end ? 0 : Infinity;
      for (const { to } of bytes) best = Math.min(best, 1 + least[to]!);
      for (const to of free) best = Math.min(best, least[to]!);
      for (const { to, back } of calls) best = Math.min(best, least[to]! + least[back]!);
      if (best >= least[i]!) continue;
      least[i] = best;
      changed = true;
    }
  }
  return least;
}

/** A rule that calls itself before any byte would be called for ever. */
function refuseLeftRecursion(states: readonly State[]): void {
  const empty = emptyRules(states);
  const done = new Uint8Array(states.length); // 1: being looked at, 2: sound
  for (let first = 0; first < states.length; first++) {
    const path = [first];
    while (path.length > 0) {
      const at = path[path.length - 1]!;
      if (done[at] === 0) {
        done[at] = 1;
        for (const { to, back } of states[at]!.calls) {
          if (done[to] === 1) throw unusable("a rule begins with itself");
          if (done[to] === 0) path.push(to);
          if (empty[to] && done[back] === 0) path.push(back);
        }
        for (const to of states[at]!.free) if (done[to] === 0) path.push(to);
      } else {
        done[at] = 2;
        path.pop();
      }
    }
  }
}

/** 1 for states from which the rule's end costs no byte. */
function emptyRules(states: readonly State[]): Uint8Array {
  const empty = new Uint8Array(states.length);
  for (let changed = true; changed;) {
    changed = false;
    for (let i = states.length - 1; i >= 0; i--) {
      if (empty[i]) continue;
      const { free, calls, end } = states[i]!;
      if (!end && !free.some((to) => empty[to]) && !calls.some(({ to, back }) => empty[to] && empty[back])) continue;
      empty[i] = 1;
      changed = true;
    }
  }
  return empty;
}

function unusable(what: string): EngineError {
  return new EngineError("bad_request", `The grammar can't be used: ${what}.`, "Change the grammar or the schema.");
}
