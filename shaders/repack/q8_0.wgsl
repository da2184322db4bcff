// Q8_0: half d, 32 signed bytes. A unit is two blocks, whose scales share a word.
fn repack(unit: u32, block: u32) {
  for (var i = 0u; i < 2; i++) {
    let at = (2 * unit + i) * 34 + 2;
    for (var w = 0u; w < 8; w++) { quants[(block + i) * 8 + w] = word_at(at + 4 * w); }
  }
  scales[block / 2] = half_at(unit * 68) | (half_at(unit * 68 + 34) << 16);
}
