// Small texts: numbers as people read them, sentences for screen readers, a line for every error.
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../../workers/engine/base/errors.ts";
import { dateGroup, formatBytes, formatParameters, formatTimeLeft } from "../../../web/lib/format.ts";
import { REMEDY_LABELS, TROUBLES } from "../../../web/lib/remedies.ts";
import { SentenceReader } from "../../../web/lib/sentences.ts";
import { abilities } from "../../../web/lib/abilities.ts";

describe("numbers", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [98_362_432, "98 MB"],
    [999_600_000, "1.0 GB"],
    [1_400_000_000, "1.4 GB"],
    [11_800_000_000, "12 GB"],
  ])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [134_515_008, "135M"],
    [1_100_000_000, "1.1B"],
    [7_000_000_000, "7B"],
  ])("%d parameters are %s", (count, text) => expect(formatParameters(count)).toBe(text));

  it.each([
    [2, "a few seconds"],
    [31, "35 seconds"],
    [58, "1 minute"],
    [200, "3 minutes"],
    [7300, "2 hours"],
  ])("%d seconds left are %s", (seconds, text) => expect(formatTimeLeft(seconds)).toBe(text));

  it("dates stand under the words one would use", () => {
    const now = new Date(2026, 4, 20, 12).getTime();
    const daysAgo = (days: number): string => dateGroup(now - days * 86_400_000, now);
    expect([0, 1, 5, 20, 60].map(daysAgo)).toEqual(["Today", "Yesterday", "Last 7 days", "Last 30 days", "March 2026"]);
  });
});

describe("an answer read aloud", () => {
  it("comes in whole sentences, each once, without Markdown signs", () => {
    const reader = new SentenceReader();
    expect(reader.next("The **capital")).toBe("");
    expect(reader.next("The **capital** is Paris. It lies on")).toBe("The capital is Paris.");
    expect(reader.next("The **capital** is Paris. It lies on the [Seine](https://example.org).", true)).toBe(
      "It lies on the Seine.",
    );
    expect(reader.next("The **capital** is Paris. It lies on the [Seine](https://example.org).", true)).toBe("");
  });
});

describe("errors", () => {
  it.each(ERROR_CODES)("%s has a title, and buttons that have names", (code) => {
    expect(TROUBLES[code].title).not.toBe("");
    for (const remedy of TROUBLES[code].remedies) expect(REMEDY_LABELS[remedy]).toBeDefined();
  });
});

describe("abilities", () => {
  it("finds the SIMD of this very engine, and no WebGPU in Node", () => {
    expect(abilities()).toEqual({ webgpu: false, wasmSimd: true });
  });
});
