// Reads a block of activations in 8-bit integers (quantize.wgsl): each thread for itself.
fn codes_at(at: u32, local: u32) -> Codes {
  return Codes(codes[at], codes[at + 1], bitcast<vec4f>(codes[at + 2]));
}
