// What Q4_K and Q5_K share: eight 6-bit scales and minimums in 12 bytes, and 4-bit weights whose nibbles belong to different blocks.
// Source: ggml/src/ggml-quants.c, get_scale_min_k4.
fn scale_byte(at: u32, j: u32) -> u32 {
  if (j < 4) { return byte_at(at + j) & 63; }
  return (byte_at(at + j + 4) & 15) | ((byte_at(at + j - 4) >> 6) << 4);
}

fn minimum_byte(at: u32, j: u32) -> u32 {
  if (j < 4) { return byte_at(at + j + 4) & 63; }
  return (byte_at(at + j + 4) >> 4) | ((byte_at(at + j) >> 6) << 4);
}

// `at`: byte of d; `block`: first of eight.
fn repack_scales(at: u32, block: u32) {
  let to = block / 8 * 5;
  scales[to] = raw[at / 4];
  for (var j = 0u; j < 8; j += 2u) {
    let first = scale_byte(at + 4, j) | (minimum_byte(at + 4, j) << 8);
    let second = scale_byte(at + 4, j + 1) | (minimum_byte(at + 4, j + 1) << 8);
    scales[to + 1 + j / 2] = first | (second << 16);
  }
}

// `at`: word of the nibbles. 32 bytes hold a block in their low nibbles and the next one in their high ones.
fn repack_nibbles(at: u32, block: u32) {
  for (var j = 0u; j < 8; j++) {
    let shift = 4 * (j % 2);
    for (var w = 0u; w < 4; w++) {
      let first = (raw[at + j / 2 * 8 + w] >> shift) & 0x0f0f0f0f;
      let second = (raw[at + j / 2 * 8 + 4 + w] >> shift) & 0x0f0f0f0f;
      quants[(block + j) * 4 + w] = first | (second << 4);
    }
  }
}
