// Fifth bits: bit j of the file's word belongs to weight j; in bits5.wgsl weight 4i + k has bit 8k + i.
fn fifth_bits(word: u32) -> u32 {
  var bits = 0u;
  for (var j = 0u; j < 32; j++) { bits |= ((word >> j) & 1) << (8 * (j % 4) + j / 4); }
  return bits;
}
