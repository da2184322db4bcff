// The KV cache in half floats, eight in a vector: a row is a position of a KV head. finish_qkv.wgsl has put them there.
@group(0) @binding(1) var<storage, read> keys: array<vec4u>;   // [kv heads, CONTEXT, HEAD8]
@group(0) @binding(2) var<storage, read> values: array<vec4u>; // likewise

// Eight dimensions of a key.
fn key_at(row: u32, octet: u32) -> mat2x4f {
  return halves(keys[row * HEAD8 + octet]);
}

fn value_at(row: u32, octet: u32) -> mat2x4f {
  return halves(values[row * HEAD8 + octet]);
}

fn halves(v: vec4u) -> mat2x4f {
  return mat2x4f(vec4f(unpack2x16float(v.x), unpack2x16float(v.y)), vec4f(unpack2x16float(v.z), unpack2x16float(v.w)));
}

// Nothing is left to do for a new token.
fn keep(token: u32, kv_head: u32, local: u32) {}
