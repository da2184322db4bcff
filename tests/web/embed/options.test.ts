// Properties and attributes: the same meaning from both, and nonsense counts as none.
import { describe, expect, it } from "vitest";
import { OPTION_NAMES, OPTIONS } from "../../../web/embed/options.ts";

describe("an option", () => {
  it("has its property's name in kebab case as an attribute", () => {
    for (const name of OPTION_NAMES)
      expect(OPTIONS[name].attribute).toBe(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  });

  it("reads suggestions from a list and from a text", () => {
    expect(OPTIONS.suggestions.read(" One? | Two?| ")).toEqual(["One?", "Two?"]);
    expect(OPTIONS.suggestions.read(["One?", 2])).toEqual(["One?", "2"]);
    expect(OPTIONS.suggestions.read(Array.from({ length: 9 }, () => "x"))).toHaveLength(6);
    expect(OPTIONS.suggestions.read(null)).toEqual([]);
  });

  it("reads numbers from both", () => {
    expect([500, "500", "", null, "many", -1, 1.5].map((value) => OPTIONS.budget.read(value))).toEqual([
      500,
      500,
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it("falls back to the default where a word is none of the choice", () => {
    expect(OPTIONS.position.read("top-left")).toBe("top-left");
    expect(OPTIONS.position.read("middle")).toBe("bottom-right");
    expect(OPTIONS.theme.read(undefined)).toBe("auto");
  });

  it("never takes more than the frame would", () => {
    expect(OPTIONS.context.read("x".repeat(300_000))).toHaveLength(200_000);
    expect(OPTIONS.model.read(null)).toBe("");
  });
});
