// Attention of many tokens in one pass over keys and values (FlashAttention-2, algorithm 1). A workgroup takes 4·QUADS tokens of one
// query head and steps through tiles of KEYS positions; four tokens go side by side in a vector.
// Needs the cache (cache_*.wgsl).
@group(0) @binding(0) var<storage, read> queries: array<f32>;         // [tokens, QUERY_STRIDE]
@group(0) @binding(3) var<storage, read_write> attended: array<f32>;  // [tokens, RESULT_STRIDE]
@group(0) @binding(4) var<uniform> state: State;

override HEAD = 8u;
override HEAD8 = 1u;  // HEAD / 8, rounded up
override GROUP = 1u;  // query heads of a KV head
override CONTEXT = 1u;
override SCALE = 1.0f;
override QUERY_STRIDE = 0u;
override RESULT_STRIDE = 0u;
override QUADS = 4u;  // multiple of 4
override KEYS = 32u;
override WINDOW = 0xffffffffu; // positions a token sees, its own included

var<workgroup> query: array<vec4f, QUADS * HEAD8 * 8>; // [QUADS, HEAD8 * 8]
var<workgroup> weights: array<vec4f, QUADS * KEYS>;    // scores of a tile, then their exponentials [QUADS, KEYS]

@compute @workgroup_size(QUADS * HEAD8) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let threads = QUADS * HEAD8;
  let first = group.x * 4 * QUADS;
  let head = group.y;
  let cache = head / GROUP * CONTEXT; // first row
  for (var i = local; i < QUADS * HEAD8 * 8; i += threads) {
    let token = first + i / (HEAD8 * 8) * 4;
    let d = i % (HEAD8 * 8);
    query[i] = vec4f(load_query(token, head, d), load_query(token + 1, head, d),
      load_query(token + 2, head, d), load_query(token + 3, head, d)) * SCALE;
  }
  workgroupBarrier(); // the queries are there
  let quad = local / HEAD8;
  let octet = local % HEAD8;
  let end = state.position + min(first + 4 * QUADS, state.tokens); // behind the last position any token sees
  var best = vec4f(-1e30);
  var denominator = vec4f();
  var sums0 = mat4x4f(); // four tokens in dimensions 0 to 3 of the thread's eight
  var sums1 = mat4x4f(); // and 4 to 7
  let oldest = max(state.position + first + 1, WINDOW) - WINDOW; // that the first token sees
  for (var tile = oldest / KEYS * KEYS; tile < end; tile += KEYS) {
    for (var i = local; i < KEYS * QUADS / 4; i += threads) { score(tile, i % KEYS, i / KEYS * 4, cache, first); }
    workgroupBarrier(); // the scores of the tile are there
    var peak = best;
    for (var k = 0u; k < KEYS; k++) { peak = max(peak, weights[quad * KEYS + k]); }
    workgroupBarrier(); // everyone has read the scores
    for (var k = octet; k < KEYS; k += HEAD8) { weights[quad * KEYS + k] = exp(weights[quad * KEYS + k] - peak); }
    let fade = exp(best - peak);
    best = peak;
    denominator *= fade;
    sums0 = mat4x4f(sums0[0] * fade, sums0[1] * fade, sums0[2] * fade, sums0[3] * fade);
    sums1 = mat4x4f(sums1[0] * fade, sums1[1] * fade, sums1[2] * fade, sums1[3] * fade);
    workgroupBarrier(); // the exponentials are there
    for (var k = 0u; k < min(KEYS, end - tile); k++) {
      let w = weights[quad * KEYS + k];
      let v = value_at(cache + tile + k, octet);
      denominator += w;
      sums0 += mat4x4f(w * v[0].x, w * v[0].y, w * v[0].z, w * v[0].w);
      sums1 += mat4x4f(w * v[1].x, w * v[1].y, w * v[1].z, w * v[1].w);
    }
    workgroupBarrier(); // the tile is used up
  }
  let y0 = transpose(sums0); // a column a token
  let y1 = transpose(sums1);
  give(first + 4 * quad, head, octet, y0[0] / denominator.x, y1[0] / denominator.x);
  give(first + 4 * quad + 1, head, octet, y0[1] / denominator.y, y1[1] / denominator.y);
  give(first + 4 * quad + 2, head, octet, y0[2] / denominator.z, y1[2] / denominator.z);
  give(first + 4 * quad + 3, head, octet, y0[3] / denominator.w, y1[3] / denominator.w);
}

fn load_query(token: u32, head: u32, d: u32) -> f32 {
  if (token >= state.tokens || d >= HEAD) { return 0.0; }
  return queries[token * QUERY_STRIDE + head * HEAD + d];
}

// Scores of a key with the tokens of four quads.
fn score(tile: u32, key: u32, quad: u32, cache: u32, first: u32) {
  var scores = mat4x4f(); // a column a quad
  for (var o = 0u; o < HEAD8; o++) {
    let k = key_at(cache + tile + key, o);
    scores += mat4x4f(eight(quad, o, k), eight(quad + 1, o, k), eight(quad + 2, o, k), eight(quad + 3, o, k));
  }
  for (var q = 0u; q < 4; q++) {
    let ages = vec4f(vec4i(i32(state.position + first + 4 * (quad + q)) - i32(tile + key)) + vec4i(0, 1, 2, 3));
    // No token sees a later one. Where a tile has only positions too old for a token, its next one makes what came of it zero.
    weights[(quad + q) * KEYS + key] = select(scores[q], vec4f(-1e30), (ages < vec4f(0.0)) | (ages >= vec4f(f32(WINDOW))));
  }
}

fn eight(quad: u32, octet: u32, k: mat2x4f) -> vec4f {
  let at = (quad * HEAD8 + octet) * 8;
  return query[at] * k[0].x + query[at + 1] * k[0].y + query[at + 2] * k[0].z + query[at + 3] * k[0].w
    + query[at + 4] * k[1].x + query[at + 5] * k[1].y + query[at + 6] * k[1].z + query[at + 7] * k[1].w;
}

fn give(token: u32, head: u32, octet: u32, y0: vec4f, y1: vec4f) {
  if (token >= state.tokens) { return; }
  let at = token * RESULT_STRIDE + head * HEAD + 8 * octet;
  let size = min(8, HEAD - 8 * octet);
  for (var i = 0u; i < min(4, size); i++) { attended[at + i] = y0[i]; }
  for (var i = 4u; i < size; i++) { attended[at + i] = y1[i - 4]; }
}
