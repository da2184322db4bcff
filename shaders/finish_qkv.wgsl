// Queries, keys and values end: q and k are turned by their position (a pair of rows is a pair of RoPE), q is kept for attend.wgsl,
// k and v go to the cache as half floats. Rows come in the order q, k, v; a part the matrix lacks has 0 rows.
@group(0) @binding(5) var<storage, read_write> queries: array<f32>; // [tokens, heads * HEAD]
@group(0) @binding(6) var<storage, read_write> keys: array<u32>;    // [kv heads, CONTEXT, HEAD_WORDS], two halves a word
@group(0) @binding(7) var<storage, read_write> values: array<u32>;  // likewise
@group(0) @binding(8) var<storage, read> turns: array<vec2f>;       // cos and sin [CONTEXT, ROPE_PAIRS]

override ROWS = 0u;         // of all three
override Q_ROWS = 0u;
override K_ROWS = 0u;
override QUERY_STRIDE = 0u; // heads * HEAD
override HEAD = 0u;         // width of a head
override HEAD_WORDS = 0u;   // words a head takes in the cache: HEAD / 2, rounded up to fours
override ROPE_PAIRS = 0u;   // leading pairs of a head that turn
override CONTEXT = 0u;

fn finish(token: u32, quad: u32, y: vec4f) {
  finish_pair(token, 4 * quad, y.xy);
  if (4 * quad + 2 < ROWS) { finish_pair(token, 4 * quad + 2, y.zw); }
}

fn finish_pair(token: u32, row: u32, y: vec2f) {
  let position = state.position + token;
  if (row < Q_ROWS) {
    let turned = turn(position, row % HEAD / 2, y);
    queries[token * QUERY_STRIDE + row] = turned.x;
    queries[token * QUERY_STRIDE + row + 1] = turned.y;
  } else if (row < Q_ROWS + K_ROWS) {
    let k = row - Q_ROWS;
    keys[cache_word(k, position)] = pack2x16float(turn(position, k % HEAD / 2, y));
  } else {
    values[cache_word(row - Q_ROWS - K_ROWS, position)] = pack2x16float(y);
  }
}

fn cache_word(row: u32, position: u32) -> u32 {
  return (row / HEAD * CONTEXT + position) * HEAD_WORDS + row % HEAD / 2;
}

fn turn(position: u32, pair: u32, y: vec2f) -> vec2f {
  if (pair >= ROPE_PAIRS) { return y; }
  let angle = turns[position * ROPE_PAIRS + pair];
  return vec2f(y.x * angle.x - y.y * angle.y, y.x * angle.y + y.y * angle.x);
}
