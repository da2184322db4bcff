// Keys and values stay beside the queries as floats, until keep() (cache_int8.wgsl) brings them into a cache of bytes.
override Q_WIDTH = 0u;  // queries of a token
override KV_WIDTH = 0u; // its keys

fn store_key(token: u32, row: u32, y: vec2f) {
  store_pair(token * QUERY_STRIDE + Q_WIDTH + row, y);
}

fn store_value(token: u32, row: u32, y: vec2f) {
  store_pair(token * QUERY_STRIDE + Q_WIDTH + KV_WIDTH + row, y);
}

fn store_pair(at: u32, y: vec2f) {
  queries[at] = y.x;
  queries[at + 1] = y.y;
}
