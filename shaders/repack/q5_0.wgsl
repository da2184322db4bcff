// Q5_0: half d, a word of fifth bits, 16 bytes of nibbles. A unit is two blocks, whose scales share a word. Needs fifth.wgsl.
fn repack(unit: u32, block: u32) {
  for (var i = 0u; i < 2; i++) {
    let at = (2 * unit + i) * 22 + 2;
    quants[piece.upper + block + i] = fifth_bits(word_at(at));
    for (var w = 0u; w < 4; w++) { quants[(block + i) * 4 + w] = word_at(at + 4 + 4 * w); }
  }
  scales[block / 2] = half_at(unit * 44) | (half_at(unit * 44 + 22) << 16);
}
