// The KV cache in signed bytes, for long contexts: a row is a position of a KV head, its bytes and then, as half floats, the largest
// magnitude of each 32 of them, which stands for 127.
@group(0) @binding(1) var<storage, read_write> keys: array<vec2u>;   // [kv heads, CONTEXT, RECORD], RECORD = HEAD8 + HEAD8 / 16 rounded up
@group(0) @binding(2) var<storage, read_write> values: array<vec2u>; // likewise

override RECORD = 2u;
override KV_HEADS = 1u;
override Q_WIDTH = 0u; // queries of a token; behind them its keys and its values
override PEAKS = 64u;  // threads of a workgroup: at least 2 * HEAD8

var<workgroup> peaks: array<f32, PEAKS>; // of eight dimensions each

// Eight dimensions of a key.
fn key_at(row: u32, octet: u32) -> mat2x4f {
  return bytes_of(keys[row * RECORD + octet], keys[row * RECORD + HEAD8 + octet / 16], octet);
}

fn value_at(row: u32, octet: u32) -> mat2x4f {
  return bytes_of(values[row * RECORD + octet], values[row * RECORD + HEAD8 + octet / 16], octet);
}

fn bytes_of(bytes: vec2u, magnitudes: vec2u, octet: u32) -> mat2x4f {
  let pair = unpack2x16float(select(magnitudes.x, magnitudes.y, octet % 16 >= 8));
  let magnitude = select(pair.x, pair.y, octet % 8 >= 4);
  return mat2x4f(unpack4x8snorm(bytes.x) * magnitude, unpack4x8snorm(bytes.y) * magnitude);
}

// Brings the key and the value that finish_qkv.wgsl left beside the queries of a token into the cache. For a whole workgroup.
fn keep(token: u32, kv_head: u32, local: u32) {
  let part = local / HEAD8; // 0: key, 1: value; the other threads wait
  let octet = local % HEAD8;
  let first = token * QUERY_STRIDE + Q_WIDTH + (part * KV_HEADS + kv_head) * HEAD;
  var low = vec4f();
  var high = vec4f();
  if (part < 2) {
    low = vec4f(fresh(first, 8 * octet), fresh(first, 8 * octet + 1), fresh(first, 8 * octet + 2), fresh(first, 8 * octet + 3));
    high = vec4f(fresh(first, 8 * octet + 4), fresh(first, 8 * octet + 5), fresh(first, 8 * octet + 6), fresh(first, 8 * octet + 7));
  }
  let peak = max(abs(low), abs(high));
  peaks[local] = max(max(peak.x, peak.y), max(peak.z, peak.w));
  workgroupBarrier(); // the peaks are there
  if (part < 2) {
    let row = (kv_head * CONTEXT + state.position + token) * RECORD;
    let magnitude = unpack2x16float(pack2x16float(vec2f(peak_of(part, octet / 4), 0.0))).x; // as it will be read
    let inverse = select(1.0 / magnitude, 0.0, magnitude == 0.0);
    put(part, row + octet, vec2u(pack4x8snorm(low * inverse), pack4x8snorm(high * inverse)));
    if (octet % 16 == 0) {
      let block = octet / 4;
      let pairs = vec4f(peak_of(part, block), peak_of(part, block + 1), peak_of(part, block + 2), peak_of(part, block + 3));
      put(part, row + HEAD8 + octet / 16, vec2u(pack2x16float(pairs.xy), pack2x16float(pairs.zw)));
    }
  }
  storageBarrier(); // the row is in the cache
}

fn fresh(first: u32, d: u32) -> f32 {
  return select(0.0, queries[first + d], d < HEAD);
}

// The largest magnitude of a block of 32.
fn peak_of(part: u32, block: u32) -> f32 {
  var peak = 0.0;
  for (var octet = 4 * block; octet < min(4 * block + 4, HEAD8); octet++) { peak = max(peak, peaks[part * HEAD8 + octet]); }
  return peak;
}

fn put(part: u32, at: u32, words: vec2u) {
  if (part == 0) { keys[at] = words; } else { values[at] = words; }
}
