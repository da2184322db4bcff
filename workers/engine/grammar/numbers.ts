// Numbers between two bounds, digit by digit.
import { characters, choice, repeat, sequence, text, type Expression } from "./expression.ts";

/** Digits a number has before its point at most, so that every reader gets it exactly. */
const MOST_DIGITS = 15;
const LARGEST = 10 ** MOST_DIGITS - 1;
const DIGIT = characters([[48, 57]]);
const FRACTION = sequence(text("."), repeat(DIGIT, 1, MOST_DIGITS));

/** Whole numbers from `low` to `high`, both included; null where there are none. Beyond 15 digits none are written. */
export function integersBetween(low: number, high: number): Expression | null {
  const from = Math.max(Math.ceil(low), -LARGEST);
  const to = Math.min(Math.floor(high), LARGEST);
  if (from > to) return null;
  const parts: Expression[] = [];
  if (to >= 0) parts.push(...natural(Math.max(from, 0), to));
  if (from < 0) parts.push(...natural(Math.max(1, -to), -from).map((part) => sequence(text("-"), part)));
  return choice(...parts);
}

/**
 * Numbers from `low` to `high`, both included: whole ones, and with a fraction those whose whole part keeps them between the
 * bounds; where no whole number lies between them, those with just enough places to. Null where there are none.
 */
export function numbersBetween(low: number, high: number): Expression | null {
  const parts: Expression[] = [];
  const whole = integersBetween(low, high);
  if (whole) parts.push(whole);
  // n.f lies between n and n + 1, -n.f between -(n + 1) and -n.
  const up = integersBetween(Math.max(0, Math.ceil(low)), Math.floor(high) - 1);
  if (up) parts.push(sequence(up, FRACTION));
  const least = Math.max(0, -Math.floor(high));
  const down = integersBetween(least, -Math.ceil(low) - 1);
  if (down) parts.push(sequence(text("-"), down, FRACTION));
  return parts.length > 0 ? choice(...parts) : placesBetween(low, high);
}

function placesBetween(low: number, high: number): Expression | null {
  for (let places = 1; places <= 12; places++) {
    const scale = 10 ** places;
    const [from, to] = [Math.ceil(low * scale), Math.floor(high * scale)];
    if (from > to) continue;
    // No whole number lies between the bounds, so that all of these share their sign and their whole part.
    const negative = to < 0;
    const [least, most] = negative ? [-to, -from] : [from, to];
    const whole = Math.floor(least / scale);
    return sequence(text(`${negative ? "-" : ""}${whole}.`), fixed(least % scale, most % scale, places));
  }
  return null;
}

/** Numbers from `from` to `to` without leading zeros, a length after the other. */
function natural(from: number, to: number): Expression[] {
  const parts: Expression[] = [];
  for (let length = String(from).length; length <= String(to).length; length++) {
    const least = Math.max(from, length === 1 ? 0 : 10 ** (length - 1));
    parts.push(fixed(least, Math.min(to, 10 ** length - 1), length));
  }
  return parts;
}

/** Numbers from `from` to `to`, all written with so many digits. */
function fixed(from: number, to: number, length: number): Expression {
  if (length === 0) return text("");
  const unit = 10 ** (length - 1);
  const [first, last] = [Math.floor(from / unit), Math.floor(to / unit)];
  const [low, high] = [from % unit, to % unit];
  if (first === last) return sequence(text(String(first)), fixed(low, high, length - 1));
  const parts: Expression[] = [];
  const wholeFrom = low === 0 ? first : first + 1;
  const wholeTo = high === unit - 1 ? last : last - 1;
  if (wholeFrom > first) parts.push(sequence(text(String(first)), fixed(low, unit - 1, length - 1)));
  if (wholeFrom <= wholeTo) {
    parts.push(sequence(characters([[48 + wholeFrom, 48 + wholeTo]]), repeat(DIGIT, length - 1, length - 1)));
  }
  if (wholeTo < last) parts.push(sequence(text(String(last)), fixed(0, high, length - 1)));
  return choice(...parts);
}
