// Patterns, grammars that people write, and numbers between bounds: what they allow, by example and against JavaScript's own.
import { describe, expect, it } from "vitest";
import { ebnfRules } from "../../../../workers/engine/grammar/ebnf.ts";
import { rulesOf } from "../../../../workers/engine/grammar/grammar.ts";
import { integersBetween, numbersBetween } from "../../../../workers/engine/grammar/numbers.ts";
import { dice } from "./schemas.ts";
import { accepts, speak } from "./speaker.ts";

describe("a pattern", () => {
  const matches = (pattern: string, text: string): boolean => accepts(rulesOf({ kind: "pattern", pattern }), text);

  it.each([
    ["a|bc", ["a", "bc"], ["", "b", "abc"]],
    ["(ab)*c?", ["", "abab", "abc", "c"], ["ac", "a"]],
    ["[^a-c]{2,3}", ["xyz", "日本"], ["x", "xa", "wxyz"]],
    ["\\d+(\\.\\d{1,2})?", ["3", "3.14"], ["3.", "3.141", ".5"]],
    ["(?:yes|no)!+", ["yes!", "no!!!"], ["yes", "maybe!"]],
    ["[\\w-]+@\\S", ["a-b@x", "_@é"], ["a b@x", "a@ "]],
    ["\\u00e9\\x41.\\t", ["éAx\t"], ["éA\n\t", "eAx\t"]],
    ["^x$", ["x"], ["^x$"]],
  ])("%s matches what JavaScript's does", (pattern, good, bad) => {
    for (const text of [...good, ...bad]) {
      expect(matches(pattern, text), text).toBe(good.includes(text));
      expect(new RegExp(`^(?:${pattern})$`, "u").test(text), text).toBe(good.includes(text));
    }
  });

  it("gives only texts that match it", () => {
    for (const pattern of ["[A-Z]{2}\\d{3}", "(\\w+ ){1,3}end", "[^\\s]{5,9}", "(a|b)*abb"]) {
      for (let seed = 0; seed < 20; seed++) {
        const { text, ended } = speak(rulesOf({ kind: "pattern", pattern }), dice(seed), 60);
        expect(ended).toBe(true);
        expect(text).toMatch(new RegExp(`^(?:${pattern})$`, "u"));
      }
    }
  });

  it.each(["(", "[a", "a{3,1}", "*", "\\1", "(?=a)", "(?<!a)b", "\\bx", "a{9999}"])("is refused: %s", (pattern) => {
    expect(() => rulesOf({ kind: "pattern", pattern })).toThrow("can't be used");
  });
});

describe("a written grammar", () => {
  it("reads as llama.cpp's examples do", () => {
    const rules = ebnfRules(String.raw`
      # a list of sums
      root ::= (expr "=" ws term "\n")+
      expr ::= term ([-+*/] term)*
      term ::= ident | num
        | "(" ws expr ")" ws
      ident ::= [a-z] [a-z0-9_]* ws
      num ::= [0-9]{1,3} ws
      ws ::= [ \t\n]*
    `);
    expect(accepts(rules, "a+1 =x\n(b *22)=7\n")).toBe(true);
    expect(accepts(rules, "a+1=x")).toBe(false);
    expect(accepts(rules, "1000=x\n")).toBe(false);
  });

  it("says which line is wrong", () => {
    expect(() => ebnfRules('root ::= "a"\nb := "c"')).toThrow('"::=" is missing after "b" (line 2)');
    expect(() => ebnfRules('root ::= "a')).toThrow("a text is not closed");
    expect(() => ebnfRules('x ::= "a"')).toThrow('no rule "root"');
    expect(() => accepts(ebnfRules("root ::= other"), "")).toThrow('no rule "other"');
    expect(() => accepts(ebnfRules('root ::= root "a" | "b"'), "")).toThrow("begins with itself");
    expect(() => accepts(ebnfRules('root ::= "a" root'), "")).toThrow("nothing satisfies it");
  });
});

describe("numbers between bounds", () => {
  it("are exactly the whole numbers between them", () => {
    const roll = dice(7);
    for (let i = 0; i < 40; i++) {
      const low = Math.floor((roll() - 0.5) * 400);
      const high = low + Math.floor(roll() * 300);
      const rules = new Map([["root", integersBetween(low, high)!]]);
      for (let value = low - 12; value <= high + 12; value++) {
        expect(accepts(rules, String(value)), `${value} of ${low} to ${high}`).toBe(value >= low && value <= high);
      }
      expect(accepts(rules, "007")).toBe(false);
    }
  });

  it("stay between them where they have fractions", () => {
    for (const [low, high] of [
      [0.5, 3],
      [-2.5, -1.25],
      [-1, 1],
      [0.1, 0.2],
      [-0.75, -0.5],
      [3, 3],
      [1e-5, 2e-5],
    ] as const) {
      for (let seed = 0; seed < 30; seed++) {
        const { text } = speak(new Map([["root", numbersBetween(low, high)!]]), dice(seed), 40);
        expect(Number(text), text).toBeGreaterThanOrEqual(low);
        expect(Number(text), text).toBeLessThanOrEqual(high);
      }
    }
    expect(numbersBetween(2, 1)).toBeNull();
  });
});
