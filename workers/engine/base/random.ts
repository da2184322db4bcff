// The random number of a token is a hash of seed and position, so that the same seed gives the same text however
// the work was cut. The WGSL sampler has the same function.
// Source: Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 2020 (pcg).

/** One round of PCG on a 32-bit unsigned integer. */
function pcg(input: number): number {
  const state = (Math.imul(input, 747796405) + 2891336453) >>> 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

/** A number in [0, 1) with 24 bits, from a 32-bit seed and the position of the token it decides. */
export function random(seed: number, position: number): number {
  return (pcg((pcg(seed >>> 0) + position) >>> 0) >>> 8) / 16777216;
}
