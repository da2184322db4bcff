// y = W·x for a few tokens as matfew.wgsl has it, x in 8-bit integers (quantize.wgsl): products of four bytes at a time (T3).
// A block of four rows is unpacked once and multiplied with up to eight tokens. LANES threads share
// four rows: they stride over the blocks, then add up. Needs a layout of bytes (quant/), codes_at() and finish().
requires packed_4x8_integer_dot_product;
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;  // [rows, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;    // [rows, BLOCKS], likewise
@group(0) @binding(2) var<storage, read> codes: array<vec4u>;   // x as quantize.wgsl leaves it [tokens, BLOCKS * 3]
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
  let stride = BLOCKS * 3;
  let token = 8 * group.z;
  let many = state.tokens > token + 4;
  var sums0 = mat4x4f(); // a column for each of the first four tokens
  var sums1 = mat4x4f();
  for (var block = lane; block < BLOCKS; block += LANES) {
    let a = row_part(rows.x + block);
    let b = row_part(rows.y + block);
    let c = row_part(rows.z + block);
    let d = row_part(rows.w + block);
    let at = (state.first + token) * stride + 3 * block;
    sums0 += mat4x4f(dot_rows(a, b, c, d, at, local), dot_rows(a, b, c, d, at + stride, local),
      dot_rows(a, b, c, d, at + 2 * stride, local), dot_rows(a, b, c, d, at + 3 * stride, local));
    if (many) {
      sums1 += mat4x4f(dot_rows(a, b, c, d, at + 4 * stride, local), dot_rows(a, b, c, d, at + 5 * stride, local),
        dot_rows(a, b, c, d, at + 6 * stride, local), dot_rows(a, b, c, d, at + 7 * stride, local));
    }
  }
  if (LANES == 1) {
    if (quad < QUADS) {
      finish_some(token, quad, sums0);
      if (many) { finish_some(token + 4, quad, sums1); }
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
    finish(token + t, quad, sum);
  }
}

fn finish_some(token: u32, quad: u32, sums: mat4x4f) {
  finish(token, quad, sums[0]);
  if (token + 1 < state.tokens) { finish(token + 1, quad, sums[1]); }
  if (token + 2 < state.tokens) { finish(token + 2, quad, sums[2]); }
  if (token + 3 < state.tokens) { finish(token + 3, quad, sums[3]); }
}

// First block of a row.
fn row_block(pair: u32, other: u32) -> u32 {
  return min(pair * PAIR_STRIDE + other, LAST_ROW) * BLOCKS;
}

// A block of a row: its bytes, and scale and minimum of each half.
struct RowPart {
  bytes: Bytes,
  scale: vec4f,
}

fn row_part(block: u32) -> RowPart {
  return RowPart(bytes(block), scale_of(block));
}

// Products of a block of four rows with a token's.
fn dot_rows(a: RowPart, b: RowPart, c: RowPart, d: RowPart, at: u32, local: u32) -> vec4f {
  let x = codes_at(at, local);
  return vec4f(dot_row(a, x), dot_row(b, x), dot_row(c, x), dot_row(d, x));
}

fn dot_row(row: RowPart, x: Codes) -> f32 {
  let w = row.bytes;
  let f = x.factor;
  let low = dot4I8Packed(w.low.x, x.low.x) + dot4I8Packed(w.low.y, x.low.y) + dot4I8Packed(w.low.z, x.low.z) + dot4I8Packed(w.low.w, x.low.w);
  let high = dot4I8Packed(w.high.x, x.high.x) + dot4I8Packed(w.high.y, x.high.y) + dot4I8Packed(w.high.z, x.high.z) + dot4I8Packed(w.high.w, x.high.w);
  return dot(row.scale, vec4f(f.x * f32(low), f.y, f.x * f32(high), f.z));
}
