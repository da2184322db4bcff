// The fast checksum of stored shards. Its values are kept in browsers: they must never change.
import { describe, expect, it } from "vitest";
import { checksum } from "../../../workers/store/checksum.ts";

const sums = (text: string): string[] => text.match(/.{8}/g)!.map((hex) => hex.replace(/^0+(?=.)/, ""));

describe("the fast checksum", () => {
  it("adds words lane by lane, and the sums to sums of sums", () => {
    expect(sums(checksum(new Uint8Array()))).toEqual(["1", "2", "3", "4", "0", "0", "0", "0"]);
    const bytes = Uint8Array.of(
      1,
      0,
      0,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      255,
      255,
      255,
      255,
      16,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    );
    // Lane 0: 1 + 1 = 2, + 16 = 18; 2 + 18 = 20. Lane 1: 2 + 256 twice. Lane 3: 4 - 1 twice.
    expect(sums(checksum(bytes))).toEqual(["12", "102", "3", "3", "14", "204", "6", "6"]);
  });

  it("counts bytes behind the last four words, zeros too", () => {
    expect(sums(checksum(Uint8Array.of(0, 4)))).toEqual(["7", "2", "3", "4", "9", "0", "0", "0"]); // 1 + 1 = 2, + 5 = 7; 2 + 7
  });

  it("is the same for long data, wherever they lie, as by the plain formula", () => {
    const bytes = Uint8Array.from({ length: 300_003 }, (_, i) => (i * 2654435761) >>> 13);
    const view = new DataView(bytes.buffer);
    const [a, b] = [[1, 2, 3, 4], [0, 0, 0, 0]]; // prettier-ignore
    const whole = bytes.length & ~15;
    for (let at = 0; at < whole; at += 4) {
      const lane = (at >> 2) & 3;
      a[lane] = (a[lane]! + view.getInt32(at, true)) >>> 0;
      b[lane] = (b[lane]! + a[lane]) >>> 0;
    }
    for (let at = whole; at < bytes.length; at++) b[0] = (b[0]! + (a[0] = (a[0]! + bytes[at]! + 1) >>> 0)) >>> 0;
    const right = [...a, ...b].map((sum) => sum.toString(16));
    expect(sums(checksum(bytes))).toEqual(right);
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(sums(checksum(moved.subarray(3)))).toEqual(right);
  });
});
