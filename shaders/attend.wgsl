// Attention of one token, split over positions: a workgroup takes a run of positions for all query heads of one KV head, so that
// each key and value is read once. Query heads go four at a time, side by side in a vector. Scores of a tile of THREADS positions are
// taken a position a thread, values eight dimensions a thread; a running maximum makes one pass enough (flash attention).
// Needs the cache (cache_*.wgsl).
@group(0) @binding(0) var<storage, read> queries: array<f32>;           // [heads, HEAD]; of bytes: and keys and values
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;    // [heads, MAX_SPLITS, HEAD + 2]: sum, maximum, denominator
@group(0) @binding(4) var<uniform> state: State;
@group(0) @binding(5) var<storage, read_write> attended: array<f32>;    // [heads, HEAD]; written here where there is one split

override HEAD = 8u;
override HEAD8 = 1u;  // HEAD / 8, rounded up
override GROUP = 1u;  // query heads of a KV head
override CONTEXT = 1u;
override QUERY_STRIDE = 0u; // for keep()
override SCALE = 1.0f;
override MAX_SPLITS = 1u;
override WINDOW = 0xffffffffu; // positions a token sees, its own included
override THREADS = 64u; // a multiple of HEAD8 is used for the values; the rest waits

var<workgroup> query: array<vec4f, HEAD8 * 8>;  // of four heads
var<workgroup> weights: array<vec4f, THREADS>; // scores of a tile, their exponentials, and sums to be added up over threads

@compute @workgroup_size(THREADS) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  if (state.stop != 0) { return; }
  let count = state.position + 1;
  let oldest = max(count, WINDOW) - WINDOW;
  let splits = split_count(count - oldest);
  let span = (count - oldest + splits - 1) / splits;
  let first = oldest + group.x * span;
  let end = min(first + span, count);
  let lanes = THREADS / HEAD8; // threads that share eight dimensions
  let octet = local % HEAD8;
  let cache = group.y * CONTEXT; // first row
  if (end == count) { keep(0, group.y, local); } // the newest token's
  for (var quad = 0u; quad < GROUP; quad += 4u) {
    for (var d = local; d < HEAD8 * 8; d += THREADS) {
      query[d] = vec4f(load_query(group.y, quad, d), load_query(group.y, quad + 1, d),
        load_query(group.y, quad + 2, d), load_query(group.y, quad + 3, d)) * SCALE;
    }
    workgroupBarrier(); // the queries are there
    var best = vec4f(-1e30);
    var denominator = vec4f();
    var sums = array<vec4f, 8>(); // eight dimensions of four heads
    for (var tile = first; tile < end; tile += THREADS) {
      var score = vec4f(-1e30);
      if (tile + local < end) { score = score_of(cache + tile + local); }
      weights[local] = score;
      workgroupBarrier(); // the scores of the tile are there
      let size = min(THREADS, end - tile);
      var peak = best;
      for (var p = 0u; p < size; p++) { peak = max(peak, weights[p]); }
      let fade = exp(best - peak);
      best = peak;
      workgroupBarrier(); // everyone has read the scores
      weights[local] = exp(score - peak);
      workgroupBarrier(); // the exponentials are there
      denominator *= fade;
      for (var i = 0u; i < 8; i++) { sums[i] *= fade; }
      if (local < lanes * HEAD8) {
        for (var p = local / HEAD8; p < size; p += lanes) {
          let w = weights[p];
          denominator += w;
          let v = value_at(cache + tile + p, octet);
          sums[0] += v[0].x * w;
          sums[1] += v[0].y * w;
          sums[2] += v[0].z * w;
          sums[3] += v[0].w * w;
          sums[4] += v[1].x * w;
          sums[5] += v[1].y * w;
          sums[6] += v[1].z * w;
          sums[7] += v[1].w * w;
        }
      }
      workgroupBarrier(); // the tile is used up
    }
    weights[local] = denominator;
    workgroupBarrier(); // every thread's share of the denominators is there
    var under = vec4f();
    for (var lane = 0u; lane < lanes; lane++) { under += weights[lane * HEAD8 + octet]; }
    let head = group.y * GROUP + quad;
    for (var i = 0u; i < 8; i++) {
      workgroupBarrier(); // the last shares have been read
      weights[local] = sums[i];
      workgroupBarrier(); // every thread's share of this dimension is there
      let d = 8 * octet + i;
      if (local < HEAD8 && d < HEAD) {
        var sum = vec4f();
        for (var lane = 0u; lane < lanes; lane++) { sum += weights[lane * HEAD8 + octet]; }
        give(head, d, group.x, splits, vec3f(sum.x, best.x, under.x));
        if (quad + 1 < GROUP) { give(head + 1, d, group.x, splits, vec3f(sum.y, best.y, under.y)); }
        if (quad + 2 < GROUP) { give(head + 2, d, group.x, splits, vec3f(sum.z, best.z, under.z)); }
        if (quad + 3 < GROUP) { give(head + 3, d, group.x, splits, vec3f(sum.w, best.w, under.w)); }
      }
    }
    workgroupBarrier(); // shared memory is free again
  }
}

fn load_query(kv_head: u32, offset: u32, d: u32) -> f32 {
  if (offset >= GROUP || d >= HEAD) { return 0.0; }
  return queries[(kv_head * GROUP + offset) * HEAD + d];
}

// q·k of four heads with the key of a row.
fn score_of(row: u32) -> vec4f {
  var score = vec4f();
  for (var o = 0u; o < HEAD8; o++) {
    let k = key_at(row, o);
    let at = 8 * o;
    score += query[at] * k[0].x + query[at + 1] * k[0].y + query[at + 2] * k[0].z + query[at + 3] * k[0].w
      + query[at + 4] * k[1].x + query[at + 5] * k[1].y + query[at + 6] * k[1].z + query[at + 7] * k[1].w;
  }
  return score;
}

// A head's share in dimension d: sum, maximum, denominator.
fn give(head: u32, d: u32, split: u32, splits: u32, share: vec3f) {
  if (splits == 1) {
    attended[head * HEAD + d] = share.x / share.z;
  } else {
    let at = (head * MAX_SPLITS + split) * (HEAD + 2);
    partials[at + d] = share.x;
    partials[at + HEAD] = share.y;
    partials[at + HEAD + 1] = share.z;
  }
}
