// Stop strings in a stream.
import { describe, expect, it } from "vitest";
import { StopFilter } from "../../../../workers/engine/decode/stops.ts";

describe("the stop filter", () => {
  it("lets everything through where there is nothing to stop at", () => {
    expect(run(["Hello", " world"], [])).toEqual({ pieces: ["Hello", " world", ""], found: null });
    expect(run(["Hello"], [""])).toEqual({ pieces: ["Hello", ""], found: null });
  });

  it("cuts at a stop string and gives nothing after it", () => {
    expect(run(["one END two", " three"], ["END"])).toEqual({ pieces: ["one ", "", ""], found: "END" });
  });

  it("holds back what may become a stop string", () => {
    expect(run(["a#", "#", "b", "##", "#c"], ["###"])).toEqual({ pieces: ["a", "", "##b", "", "", ""], found: "###" });
  });

  it("gives what was held back at the end", () => {
    expect(run(["yes", "##"], ["###"])).toEqual({ pieces: ["yes", "", "##"], found: null });
  });

  it("finds a stop string that begins within a false start", () => {
    expect(run(["a", "a", "a", "b"], ["aab"])).toEqual({ pieces: ["", "", "a", "", ""], found: "aab" });
  });

  it("stops at the one that is complete first, however the text is cut", () => {
    const text = "x User: Us";
    const whole = run([text], ["User: Us", "Us"]);
    expect(whole.found).toBe("Us");
    expect(run([...text], ["User: Us", "Us"]).pieces.join("")).toBe(whole.pieces.join(""));
  });

  it("takes the longer of two that end at the same place", () => {
    expect(run(["a\n\nUSER:"], ["USER:", "\n\nUSER:"])).toEqual({ pieces: ["a", ""], found: "\n\nUSER:" });
  });
});

function run(texts: readonly string[], stops: readonly string[]): { pieces: string[]; found: string | null } {
  const filter = new StopFilter(stops);
  return { pieces: [...texts.map((text) => filter.push(text)), filter.flush()], found: filter.found };
}
