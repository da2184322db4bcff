// The random number of a token: a hash of seed and position, the same as workers/engine/base/random.ts.
// Source: Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 2020 (pcg).
fn pcg(input: u32) -> u32 {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28) + 4)) ^ state) * 277803737u;
  return (word >> 22) ^ word;
}

fn random(seed: u32, position: u32) -> f32 {
  return f32(pcg(pcg(seed) + position) >> 8) / 16777216.0;
}
