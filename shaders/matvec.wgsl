// y = W·x for one token, four rows at a time. LANES threads share four rows: they stride over the blocks of a row, then add up.
// With NORM the product is of an RMS-normalized vector: x comes multiplied by the norm's weight, and the factor that all rows share
// comes last, from sums of squares that finish_residual.wgsl left (deferred normalization: no dispatch and no barrier of its own).
// Needs block_sums() (products_*.wgsl), reduce() and end() (addend_*.wgsl).
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;  // [rows, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;    // [rows, BLOCKS], likewise
@group(0) @binding(3) var<storage, read> squares: array<vec4f>; // sums of squares of four values each [BLOCKS * 8 / 4]
@group(0) @binding(4) var<uniform> state: State;

override BLOCKS = 1u;      // blocks of 32 in a row
override QUADS = 1u;       // fours of rows
override PAIR_STRIDE = 2u; // a four is two pairs; pair p is row p * PAIR_STRIDE ...
override PAIR_OTHER = 1u;  // ... and the row PAIR_OTHER further
override LAST_ROW = 0u;    // rows past the end read the last one
override NORM = false;
override WIDTH = 0u;       // true length of x, of which the squares' mean is taken
override EPSILON = 0.0f;
override THREADS = 64u;
override LANES = 1u;       // power of two, at most THREADS

@compute @workgroup_size(THREADS) fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
) {
  if (state.stop != 0) { return; }
  let lane = local % LANES;
  let quad = (group.y * groups.x + group.x) * (THREADS / LANES) + local / LANES;
  let rows = vec4u(row_block(2 * quad, 0), row_block(2 * quad, PAIR_OTHER), row_block(2 * quad + 1, 0), row_block(2 * quad + 1, PAIR_OTHER));
  var sums = vec4f();
  for (var block = lane; block < BLOCKS; block += LANES) { sums += block_sums(rows, block, local); }
  var share = vec4f();
  if (NORM) {
    for (var i = lane; i < BLOCKS * 2; i += LANES) { share += squares[i]; }
  }
  let whole = reduce(sums, dot(share, vec4f(1.0)), local);
  if (lane != 0 || quad >= QUADS) { return; }
  if (NORM) {
    end(0, quad, whole.sums * inverseSqrt(whole.squares / f32(WIDTH) + EPSILON));
  } else {
    end(0, quad, whole.sums);
  }
}

// First block of a row.
fn row_block(pair: u32, other: u32) -> u32 {
  return min(pair * PAIR_STRIDE + other, LAST_ROW) * BLOCKS;
}
