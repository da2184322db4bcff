// Files damaged by chance, the same way for the same seed.
import { join, type Bytes } from "./publish/bytes.ts";

/** A copy with one to four kinds of damage, mostly where headers are. */
export function mutated(bytes: Bytes, seed: number): Bytes {
  let state = seed * 2654435761;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let damaged = bytes.slice();
  for (let times = 1 + random(4); times > 0 && damaged.length > 0; times--) {
    const zone = [damaged.length, Math.min(damaged.length, 4096), 64][random(3)]!;
    const from = random(3) === 0 ? Math.max(0, damaged.length - zone) : 0; // archives have their directory at the end
    const at = from + random(Math.min(zone, damaged.length));
    switch (random(7)) {
      case 0:
        damaged[at] = damaged[at]! ^ (1 << random(8));
        break;
      case 1:
        damaged[at] = random(256);
        break;
      case 2:
        damaged.fill(255, at, at + 1 + random(8)); // lengths become huge
        break;
      case 3:
        damaged.fill(0, at, at + 1 + random(64));
        break;
      case 4:
        damaged = damaged.slice(0, at);
        break;
      case 5:
        damaged = join(damaged.subarray(0, at), damaged.subarray(Math.min(damaged.length, at + 1 + random(16))));
        break;
      default:
        damaged.copyWithin(at, random(damaged.length), random(damaged.length));
    }
  }
  return damaged;
}
