// Attention of one token, split over positions: a workgroup takes a run of positions for all query heads of one KV head, so that
// each key and value is read once. Query heads go four at a time, side by side in a vector. Scores of a tile of THREADS positions are
// taken a position a thread, values eight dimensions a thread; a running maximum makes one pass enough (flash attention).
@group(0) @binding(0) var<storage, read> queries: array<f32>;           // [heads, HEAD]
@group(0) @binding(1) var<storage, read> keys: array<vec4u>;            // [kv heads, CONTEXT, HEAD8], eight halves each
@group(0) @binding(2) var<storage, read> values: array<vec4u>;          // likewise
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;    // [heads, MAX_SPLITS, HEAD + 2]: sum, maximum, denominator
@group(0) @binding(4) var<uniform> state: State;
@group(0) @binding(5) var<storage, read_write> attended: array<f32>;    // [heads, HEAD]; written here where there is one split

override HEAD = 8u;
override HEAD8 = 1u;  // HEAD / 8, rounded up
override GROUP = 1u;  // query heads of a KV head
override CONTEXT = 1u;
override SCALE = 1.0f;
override MAX_SPLITS = 1u;
override THREADS = 64u; // a multiple of HEAD8 is used for the values; the rest waits

var<workgroup> query: array<vec4f, HEAD8 * 8>;        // of four heads
var<workgroup> weights: array<vec4f, THREADS>;        // scores, then their exponentials, of a tile
var<workgroup> parts: array<vec4f, THREADS * 8>;      // sums to be added up over threads

@compute @workgroup_size(THREADS) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  if (state.stop != 0) { return; }
  let count = state.position + 1;
  let splits = split_count(count);
  let span = (count + splits - 1) / splits;
  let first = group.x * span;
  let end = min(first + span, count);
  let lanes = THREADS / HEAD8; // threads that share eight dimensions
  let octet = local % HEAD8;
  let cache = group.y * CONTEXT * HEAD8;
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
      if (tile + local < end) { score = score_of(cache + (tile + local) * HEAD8); }
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
          let packed = values[cache + (tile + p) * HEAD8 + octet];
          for (var i = 0u; i < 4; i++) {
            let v = unpack2x16float(packed[i]);
            sums[2 * i] += v.x * w;
            sums[2 * i + 1] += v.y * w;
          }
        }
      }
      workgroupBarrier(); // the tile is used up
    }
    weights[local] = denominator;
    for (var i = 0u; i < 8; i++) { parts[local * 8 + i] = sums[i]; }
    workgroupBarrier(); // every thread's share is there
    for (var d = local; d < HEAD; d += THREADS) {
      var sum = vec4f();
      var under = vec4f();
      for (var lane = 0u; lane < lanes; lane++) {
        sum += parts[(lane * HEAD8 + d / 8) * 8 + d % 8];
        under += weights[lane * HEAD8 + d / 8];
      }
      for (var h = 0u; h < min(4, GROUP - quad); h++) {
        let head = group.y * GROUP + quad + h;
        if (splits == 1) {
          attended[head * HEAD + d] = sum[h] / under[h];
        } else {
          let at = (head * MAX_SPLITS + group.x) * (HEAD + 2);
          partials[at + d] = sum[h];
          partials[at + HEAD] = best[h];
          partials[at + HEAD + 1] = under[h];
        }
      }
    }
    workgroupBarrier(); // shared memory is free again
  }
}

fn load_query(kv_head: u32, offset: u32, d: u32) -> f32 {
  if (offset >= GROUP || d >= HEAD) { return 0.0; }
  return queries[(kv_head * GROUP + offset) * HEAD + d];
}

// q·k of four heads with the key that begins at `at`.
fn score_of(at: u32) -> vec4f {
  var score = vec4f();
  for (var o = 0u; o < HEAD8; o++) {
    let packed = keys[at + o];
    for (var i = 0u; i < 4; i++) {
      let k = unpack2x16float(packed[i]);
      score += k.x * query[o * 8 + 2 * i] + k.y * query[o * 8 + 2 * i + 1];
    }
  }
  return score;
}
