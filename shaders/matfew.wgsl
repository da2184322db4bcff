// y = W·x for a few tokens: a piece of four rows is unpacked once and multiplied with up to eight of them. LANES threads share four
// rows: they stride over the blocks, then add up. Needs pieces of rows (products_*.wgsl) and end() (addend_*.wgsl).
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;  // [rows, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;    // [rows, BLOCKS], likewise
@group(0) @binding(3) var<uniform> state: State;

override BLOCKS = 1u;      // blocks of 32 in a row
override QUADS = 1u;       // fours of rows
override PAIR_STRIDE = 2u; // see matvec.wgsl
override PAIR_OTHER = 1u;
override LAST_ROW = 0u;
override THREADS = 64u;
override LANES = 1u;       // power of two, at most THREADS
override PARTS = 1u;       // THREADS * 8, or 1 where LANES is 1

var<workgroup> parts: array<vec4f, PARTS>; // [THREADS, 8 tokens]

@compute @workgroup_size(THREADS) fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let quad = (group.y * groups.x + group.x) * (THREADS / LANES) + local / LANES;
  let rows = vec4u(row_block(2 * quad, 0), row_block(2 * quad, PAIR_OTHER), row_block(2 * quad + 1, 0), row_block(2 * quad + 1, PAIR_OTHER));
  let stride = BLOCKS * PIECES * PIECE_WORDS;
  let token = 8 * group.z;
  let many = state.tokens > token + 4;
  var sums0 = mat4x4f(); // a column for each of the first four tokens
  var sums1 = mat4x4f();
  for (var i = PIECES * lane; i < PIECES * BLOCKS; i = following(i)) {
    let a = piece_of(rows.x, i);
    let b = piece_of(rows.y, i);
    let c = piece_of(rows.z, i);
    let d = piece_of(rows.w, i);
    let at = (state.first + token) * stride + i * PIECE_WORDS;
    sums0 += mat4x4f(piece_sums(a, b, c, d, at, local), piece_sums(a, b, c, d, at + stride, local),
      piece_sums(a, b, c, d, at + 2 * stride, local), piece_sums(a, b, c, d, at + 3 * stride, local));
    if (many) {
      sums1 += mat4x4f(piece_sums(a, b, c, d, at + 4 * stride, local), piece_sums(a, b, c, d, at + 5 * stride, local),
        piece_sums(a, b, c, d, at + 6 * stride, local), piece_sums(a, b, c, d, at + 7 * stride, local));
    }
  }
  if (LANES == 1) {
    if (quad < QUADS) {
      end_some(token, quad, sums0);
      if (many) { end_some(token + 4, quad, sums1); }
    }
    return;
  }
  for (var t = 0u; t < 4; t++) {
    parts[local * 8 + t] = sums0[t];
    parts[local * 8 + 4 + t] = sums1[t];
  }
  workgroupBarrier(); // every lane's sums are there
  if (quad >= QUADS) { return; }
  for (var t = lane; t < 8 && token + t < state.tokens; t += LANES) {
    var sum = vec4f();
    for (var l = 0u; l < LANES; l++) { sum += parts[(local - lane + l) * 8 + t]; }
    end(token + t, quad, sum);
  }
}

fn end_some(token: u32, quad: u32, sums: mat4x4f) {
  end(token, quad, sums[0]);
  if (token + 1 < state.tokens) { end(token + 1, quad, sums[1]); }
  if (token + 2 < state.tokens) { end(token + 2, quad, sums[2]); }
  if (token + 3 < state.tokens) { end(token + 3, quad, sums[3]); }
}

// First block of a row.
fn row_block(pair: u32, other: u32) -> u32 {
  return min(pair * PAIR_STRIDE + other, LAST_ROW) * BLOCKS;
}

// The thread's next piece: of the same block, or of its next one.
fn following(i: u32) -> u32 {
  return select(i + 1, i + PIECES * (LANES - 1) + 1, i % PIECES == PIECES - 1);
}
