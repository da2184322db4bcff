// The change that a low-rank adapter makes to linear maps of one input, first half: low = A·x. A workgroup for a row of A and a token.
// x is what the maps multiply: with NORM, the deferred normalization of matvec.wgsl.
@group(0) @binding(0) var<storage, read> down: array<vec4f>;    // A of each map, one below the other [LOW, BLOCKS * 8]
@group(0) @binding(1) var<storage, read> input: array<vec4f>;   // x [tokens, BLOCKS * 8]
@group(0) @binding(2) var<storage, read> squares: array<vec4f>; // sums of squares of four values each [BLOCKS * 8 / 4]
@group(0) @binding(3) var<storage, read_write> low: array<f32>; // [tokens, LOW]
@group(0) @binding(4) var<uniform> state: State;

override BLOCKS = 1u;
override LOW = 1u; // rank · maps
override NORM = false;
override WIDTH = 0u;
override EPSILON = 0.0f;
override THREADS = 64u; // power of two

var<workgroup> shares: array<vec2f, THREADS>; // of the product, and of the sum of squares

@compute @workgroup_size(THREADS) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  if (state.stop != 0) { return; }
  let row = group.x * BLOCKS * 8;
  let x = (state.first + group.y) * BLOCKS * 8;
  var share = vec2f();
  for (var i = local; i < BLOCKS * 8; i += THREADS) { share.x += dot(down[row + i], input[x + i]); }
  if (NORM) {
    for (var i = local; i < BLOCKS * 2; i += THREADS) { share.y += dot(squares[i], vec4f(1.0)); }
  }
  shares[local] = share;
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    workgroupBarrier(); // the shares of the last round are written
    if (local < stride) { shares[local] += shares[local + stride]; }
  }
  if (local != 0) { return; }
  let factor = select(1.0, inverseSqrt(shares[0].y / f32(WIDTH) + EPSILON), NORM);
  low[group.y * LOW + group.x] = shares[0].x * factor;
}
