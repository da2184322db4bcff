// Brings a piece of a tensor from its GGUF bytes into the planes of its layout. A thread a unit of blocks; each format (repack/*.wgsl)
// says what a unit is and how it moves. No two threads write the same word: a piece begins at a multiple of 8 rows.
struct Piece {
  first: u32, // first block in the planes
  count: u32, // blocks in this piece
  upper: u32, // word in `quants` where the plane of upper bits begins
  cols: u32,  // weights in a row, for floats
}

@group(0) @binding(0) var<storage, read> raw: array<u32>;             // bytes as the file has them
@group(0) @binding(1) var<storage, read_write> quants: array<u32>;    // the planes
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;
@group(0) @binding(3) var<uniform> piece: Piece;

override UNIT = 1u; // blocks a thread
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let unit = id.y * groups.x * THREADS + id.x;
  if (unit * UNIT < piece.count) { repack(unit, piece.first + unit * UNIT); }
}

fn byte_at(at: u32) -> u32 {
  return (raw[at / 4] >> (8 * (at % 4))) & 255;
}

fn half_at(at: u32) -> u32 { // at is even
  return (raw[at / 4] >> (8 * (at % 4))) & 0xffff;
}

fn word_at(at: u32) -> u32 { // any at
  let shift = 8 * (at % 4);
  let low = raw[at / 4];
  if (shift == 0) { return low; }
  return (low >> shift) | (raw[at / 4 + 1] << (32 - shift));
}
