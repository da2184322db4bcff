// Q4_0: half d, 16 bytes of nibbles, in the order of bits4.wgsl already. A unit is two blocks, whose scales share a word.
fn repack(unit: u32, block: u32) {
  for (var i = 0u; i < 2; i++) {
    let at = (2 * unit + i) * 18 + 2;
    for (var w = 0u; w < 4; w++) { quants[(block + i) * 4 + w] = word_at(at + 4 * w); }
  }
  scales[block / 2] = half_at(unit * 36) | (half_at(unit * 36 + 18) << 16);
}
