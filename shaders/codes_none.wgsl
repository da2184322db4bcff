// Reads a block of activations in 8-bit integers (quantize.wgsl): each thread for itself.
struct Codes {
  low: vec4u,
  high: vec4u,
  factor: vec4f, // scale, and the sums of scale · c of each half
}

fn codes_at(at: u32, local: u32) -> Codes {
  return Codes(codes[at], codes[at + 1], bitcast<vec4f>(codes[at + 2]));
}
