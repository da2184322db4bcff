// Reads 16 activations from `input`: each thread for itself.
fn activations(at: u32, local: u32) -> mat4x4f {
  return mat4x4f(input[at], input[at + 1], input[at + 2], input[at + 3]);
}
