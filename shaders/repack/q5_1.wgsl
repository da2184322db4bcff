// Q5_1: halves d and m, a word of fifth bits, 16 bytes of nibbles. Needs fifth.wgsl.
fn repack(unit: u32, block: u32) {
  scales[block] = raw[unit * 6];
  quants[piece.upper + block] = fifth_bits(raw[unit * 6 + 1]);
  for (var w = 0u; w < 4; w++) { quants[block * 4 + w] = raw[unit * 6 + 2 + w]; }
}
