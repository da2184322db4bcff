// Queries, keys and values end: q and k are turned by their position (a pair of rows is a pair of RoPE), q is kept for attend.wgsl,
// k and v are stored. Rows come in the order q, k, v; a part the matrix lacks has 0 rows. Needs store_key() and store_value().
@group(0) @binding(5) var<storage, read_write> queries: array<f32>; // [tokens, QUERY_STRIDE]
@group(0) @binding(8) var<storage, read> turns: array<vec2f>;       // cos and sin [CONTEXT, ROPE_PAIRS]

override ROWS = 0u;         // of all three
override Q_ROWS = 0u;
override K_ROWS = 0u;
override QUERY_STRIDE = 0u;
override HEAD = 0u;         // width of a head
override ROPE_PAIRS = 0u;   // leading pairs of a head that turn

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
    store_key(token, row - Q_ROWS, turn(position, (row - Q_ROWS) % HEAD / 2, y));
  } else {
    store_value(token, row - Q_ROWS - K_ROWS, y);
  }
}

fn turn(position: u32, pair: u32, y: vec2f) -> vec2f {
  if (pair >= ROPE_PAIRS) { return y; }
  let angle = turns[position * ROPE_PAIRS + pair];
  return vec2f(y.x * angle.x - y.y * angle.y, y.x * angle.y + y.y * angle.x);
}
