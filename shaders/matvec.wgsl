// y = W·x for one token, by pairs of rows. LANES threads share PAIRS pairs: they stride over the blocks of a row, then add up.
// With NORM, x is RMS-normalized on the way: its squares are summed beside the products, and the factor, the same for all rows, comes last.
// Needs a layout (quant/), reduce() and finish().
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;  // [rows, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;    // [rows, BLOCKS], likewise
@group(0) @binding(2) var<storage, read> input: array<vec4f>;   // x [BLOCKS * 8]
@group(0) @binding(3) var<storage, read> gamma: array<vec4f>;   // weight of the norm [BLOCKS * 8]
@group(0) @binding(4) var<uniform> state: State;

override BLOCKS = 1u;      // blocks of 32 in a row
override PAIR_COUNT = 1u;  // pairs of rows
override PAIR_STRIDE = 2u; // pair p is row p * PAIR_STRIDE ...
override PAIR_OTHER = 1u;  // ... and the row PAIR_OTHER further
override LAST_ROW = 0u;    // where rows are odd in number, the last pair has its row twice
override NORM = false;
override WIDTH = 0u;       // true length of x, of which the squares' mean is taken
override EPSILON = 0.0f;
override THREADS = 64u;
override LANES = 1u;       // power of two, at most THREADS
override PAIRS = 1u;       // 1 or 2

@compute @workgroup_size(THREADS) fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
) {
  if (state.stop != 0) { return; }
  let lane = local % LANES;
  let first = ((group.y * groups.x + group.x) * (THREADS / LANES) + local / LANES) * PAIRS;
  let a = row_block(first, 0);
  let b = row_block(first, PAIR_OTHER);
  let c = row_block(first + 1, 0);
  let d = row_block(first + 1, PAIR_OTHER);
  var sums = vec4f(); // rows a, b, c, d
  var squares = 0.0;
  for (var block = lane; block < BLOCKS; block += LANES) {
    let at = 8 * block;
    var x0 = mat4x4f(input[at], input[at + 1], input[at + 2], input[at + 3]);
    var x1 = mat4x4f(input[at + 4], input[at + 5], input[at + 6], input[at + 7]);
    if (NORM) {
      squares += square(x0) + square(x1);
      x0 = mat4x4f(x0[0] * gamma[at], x0[1] * gamma[at + 1], x0[2] * gamma[at + 2], x0[3] * gamma[at + 3]);
      x1 = mat4x4f(x1[0] * gamma[at + 4], x1[1] * gamma[at + 5], x1[2] * gamma[at + 6], x1[3] * gamma[at + 7]);
    }
    let totals = vec2f(total(x0), total(x1));
    x0 = ready(x0);
    x1 = ready(x1);
    sums.x += weigh(a + block, dots(a + block, x0, x1), totals);
    sums.y += weigh(b + block, dots(b + block, x0, x1), totals);
    if (PAIRS > 1) {
      sums.z += weigh(c + block, dots(c + block, x0, x1), totals);
      sums.w += weigh(d + block, dots(d + block, x0, x1), totals);
    }
  }
  let whole = reduce(sums, squares, local);
  if (lane != 0) { return; }
  let y = whole.sums * select(1.0, inverseSqrt(whole.squares / f32(WIDTH) + EPSILON), NORM);
  if (first < PAIR_COUNT) { finish(0, first, y.xy); }
  if (PAIRS > 1 && first + 1 < PAIR_COUNT) { finish(0, first + 1, y.zw); }
}

// First block of a row.
fn row_block(pair: u32, other: u32) -> u32 {
  return min(pair * PAIR_STRIDE + other, LAST_ROW) * BLOCKS;
}

fn square(x: mat4x4f) -> f32 {
  return dot(x[0], x[0]) + dot(x[1], x[1]) + dot(x[2], x[2]) + dot(x[3], x[3]);
}

fn total(x: mat4x4f) -> f32 {
  return dot(x[0] + x[1] + x[2] + x[3], vec4f(1.0));
}
