// Numbers for the strings that merging works on: tokens by their id, every other string by a number after the last id.
import type { Vocabulary } from "./vocabulary.ts";

/** A text full of unknown characters must not hold memory for ever. */
const MOST_STRANGERS = 1 << 16;

/** Texts as numbers. What is no token gets a number of its own for a while. */
export class Symbols {
  private strangers: string[] = [];
  private numbers = new Map<string, number>();

  constructor(private readonly vocabulary: Vocabulary) {}

  /** Whether so many strangers have met that the numbers should be given afresh. */
  get crowded(): boolean {
    return this.strangers.length > MOST_STRANGERS;
  }

  numberOf(text: string): number {
    const known = this.vocabulary.idOf(text) ?? this.numbers.get(text);
    if (known !== undefined) return known;
    const number = this.vocabulary.size + this.strangers.push(text) - 1;
    this.numbers.set(text, number);
    return number;
  }

  isToken(symbol: number): boolean {
    return symbol < this.vocabulary.size;
  }

  textOf(symbol: number): string {
    return this.isToken(symbol) ? this.vocabulary.texts[symbol] : this.strangers[symbol - this.vocabulary.size];
  }

  /** Forgets the strangers. Their numbers are given again. */
  clear(): void {
    this.strangers = [];
    this.numbers = new Map();
  }
}
