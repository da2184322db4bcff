// Keys and values go to a cache of half floats, two a word, where they stay.
@group(0) @binding(6) var<storage, read_write> keys: array<u32>;   // [kv heads, CONTEXT, HEAD_WORDS]
@group(0) @binding(7) var<storage, read_write> values: array<u32>; // likewise

override HEAD_WORDS = 0u; // words a head takes in the cache: HEAD / 2, rounded up to fours
override CONTEXT = 0u;

fn store_key(token: u32, row: u32, y: vec2f) {
  keys[cache_word(token, row)] = pack2x16float(y);
}

fn store_value(token: u32, row: u32, y: vec2f) {
  values[cache_word(token, row)] = pack2x16float(y);
}

fn cache_word(token: u32, row: u32) -> u32 {
  return (row / HEAD * CONTEXT + state.position + token) * HEAD_WORDS + row % HEAD / 2;
}
