// y = W_e·x of one token for each expert e it takes: matvec.wgsl on the rows of one expert. Where experts are in several buffers, each
// dispatch does those it finds in its own. Needs block_sums() (products_*.wgsl), reduce() and finish().
@group(0) @binding(0) var<storage, read> quants: array<vec4u>; // [experts of this part, ROWS_EACH, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;   // likewise
@group(0) @binding(3) var<storage, read> chosen: array<u32>;   // experts [USED]
@group(0) @binding(4) var<uniform> state: State;

override BLOCKS = 1u;       // blocks of 32 in a row
override QUADS = 1u;        // fours of rows of an expert
override ROWS_EACH = 1u;    // rows of an expert
override FIRST_EXPERT = 0u; // of this part
override EXPERTS = 1u;      // in this part
override X_SLOTS = 1u;      // slots that share an x: all, or 1
override THREADS = 64u;
override LANES = 1u;        // power of two, at most THREADS

@compute @workgroup_size(THREADS) fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
) {
  if (state.stop != 0) { return; }
  let slot = group.z;
  let expert = chosen[slot] - FIRST_EXPERT;
  if (expert >= EXPERTS) { return; }
  let lane = local % LANES;
  let quad = (group.y * groups.x + group.x) * (THREADS / LANES) + local / LANES;
  // block_sums() reads x where it reads the row: the slot's x begins at block `x`, and rows are counted from there.
  let x = slot / X_SLOTS * BLOCKS;
  let rows = (vec4u(expert * ROWS_EACH) + min(vec4u(4 * quad) + vec4u(0, 1, 2, 3), vec4u(ROWS_EACH - 1))) * BLOCKS - x;
  var sums = vec4f();
  for (var block = x + lane; block < x + BLOCKS; block += LANES) { sums += block_sums(rows, block, local); }
  let whole = reduce(sums, 0.0, local);
  if (lane == 0 && quad < QUADS) { finish(slot, quad, whole.sums); }
}
