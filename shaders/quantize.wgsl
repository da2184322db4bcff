// Activations in 8-bit integers, a scale a block: x = scale · c. A thread a block. What is left are three vectors a block:
// c of 0..15 and of 16..31 as signed bytes; then scale, and the sums of scale · c of each half, as floats.
@group(0) @binding(0) var<storage, read> input: array<vec4f>;       // [tokens, BLOCKS * 8]
@group(0) @binding(1) var<storage, read_write> codes: array<vec4u>; // [tokens, BLOCKS * 3]
@group(0) @binding(2) var<uniform> state: State;

override BLOCKS = 1u;
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (state.stop != 0 || id.x >= BLOCKS) { return; }
  let block = (state.first + id.y) * BLOCKS + id.x;
  let at = 8 * block;
  var peak = vec4f();
  for (var i = 0u; i < 8; i++) { peak = max(peak, abs(input[at + i])); }
  let scale = max(max(peak.x, peak.y), max(peak.z, peak.w)) / 127.0;
  let inverse = select(1.0 / scale, 0.0, scale == 0.0);
  let low = pack(at, inverse);
  let high = pack(at + 4, inverse);
  codes[3 * block] = low.bytes;
  codes[3 * block + 1] = high.bytes;
  codes[3 * block + 2] = bitcast<vec4u>(vec4f(scale, scale * f32(low.sum), scale * f32(high.sum), 0.0));
}

struct Packed {
  bytes: vec4u,
  sum: i32,
}

// 16 activations.
fn pack(at: u32, inverse: f32) -> Packed {
  let a = vec4i(round(input[at] * inverse));
  let b = vec4i(round(input[at + 1] * inverse));
  let c = vec4i(round(input[at + 2] * inverse));
  let d = vec4i(round(input[at + 3] * inverse));
  let sum = a + b + c + d;
  return Packed(vec4u(word(a), word(b), word(c), word(d)), sum.x + sum.y + sum.z + sum.w);
}

fn word(v: vec4i) -> u32 {
  let bytes = (bitcast<vec4u>(v) & vec4u(255)) << vec4u(0, 8, 16, 24);
  return bytes.x | bytes.y | bytes.z | bytes.w;
}
