// y = W_e·x for the tokens that take expert e (gather.wgsl), eight at a time: matfew.wgsl on the rows of one expert. LANES threads share
// four rows: they stride over the blocks, then add up. Needs pieces of rows (products_*.wgsl) and finish().
@group(0) @binding(0) var<storage, read> quants: array<vec4u>; // [experts of this part, ROWS_EACH, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;   // likewise
@group(0) @binding(3) var<storage, read> jobs: array<u32>;     // lengths [COUNT], then lists [COUNT, CHUNK]

override BLOCKS = 1u;       // blocks of 32 in a row
override QUADS = 1u;        // fours of rows of an expert
override ROWS_EACH = 1u;    // rows of an expert
override FIRST_EXPERT = 0u; // of this part
override EXPERTS = 1u;      // in this part
override COUNT = 1u;        // in all
override CHUNK = 1u;
override X_SLOTS = 1u;      // jobs that share an x: those of a token, or 1
override THREADS = 64u;
override LANES = 1u;        // power of two, at most THREADS
override PARTS = 1u;        // THREADS * 8, or 1 where LANES is 1

var<workgroup> parts: array<vec4f, PARTS>; // [THREADS, 8 jobs]

@compute @workgroup_size(THREADS) fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
) {
  let expert = group.z % EXPERTS;
  let first = group.z / EXPERTS * 8;
  let length = jobs[FIRST_EXPERT + expert];
  if (first >= length) { return; }
  let count = min(length - first, 8);
  let list = COUNT + (FIRST_EXPERT + expert) * CHUNK + first;
  let lane = local % LANES;
  let quad = (group.y * groups.x + group.x) * (THREADS / LANES) + local / LANES;
  let rows = (vec4u(expert * ROWS_EACH) + min(vec4u(4 * quad) + vec4u(0, 1, 2, 3), vec4u(ROWS_EACH - 1))) * BLOCKS;
  let near = vec4u(input_of(list), input_of(list + min(1, count - 1)), input_of(list + min(2, count - 1)), input_of(list + min(3, count - 1)));
  let far = vec4u(input_of(list + min(4, count - 1)), input_of(list + min(5, count - 1)), input_of(list + min(6, count - 1)),
    input_of(list + count - 1));
  var sums0 = mat4x4f(); // a column for each of the first four jobs
  var sums1 = mat4x4f();
  for (var i = PIECES * lane; i < PIECES * BLOCKS; i = following(i)) {
    let a = piece_of(rows.x, i);
    let b = piece_of(rows.y, i);
    let c = piece_of(rows.z, i);
    let d = piece_of(rows.w, i);
    let n = near + i * PIECE_WORDS;
    sums0 += mat4x4f(piece_sums(a, b, c, d, n.x, local), piece_sums(a, b, c, d, n.y, local),
      piece_sums(a, b, c, d, n.z, local), piece_sums(a, b, c, d, n.w, local));
    if (count > 4) {
      let f = far + i * PIECE_WORDS;
      sums1 += mat4x4f(piece_sums(a, b, c, d, f.x, local), piece_sums(a, b, c, d, f.y, local),
        piece_sums(a, b, c, d, f.z, local), piece_sums(a, b, c, d, f.w, local));
    }
  }
  if (LANES == 1) {
    for (var j = 0u; j < count && quad < QUADS; j++) {
      var sum = sums0[j % 4];
      if (j >= 4) { sum = sums1[j % 4]; }
      finish(jobs[list + j], quad, sum);
    }
    return;
  }
  for (var j = 0u; j < 4; j++) {
    parts[local * 8 + j] = sums0[j];
    parts[local * 8 + 4 + j] = sums1[j];
  }
  workgroupBarrier(); // every lane's sums are there
  if (quad >= QUADS) { return; }
  for (var j = lane; j < count; j += LANES) {
    var sum = vec4f();
    for (var l = 0u; l < LANES; l++) { sum += parts[(local - lane + l) * 8 + j]; }
    finish(jobs[list + j], quad, sum);
  }
}

// Where the x of a job begins.
fn input_of(at: u32) -> u32 {
  return jobs[at] / X_SLOTS * BLOCKS * PIECES * PIECE_WORDS;
}

// The thread's next piece: of the same block, or of its next one.
fn following(i: u32) -> u32 {
  return select(i + 1, i + PIECES * (LANES - 1) + 1, i % PIECES == PIECES - 1);
}
