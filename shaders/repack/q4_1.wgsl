// Q4_1: halves d and m, 16 bytes of nibbles, in the order of bits4.wgsl already.
fn repack(unit: u32, block: u32) {
  for (var w = 0u; w < 4; w++) { quants[block * 4 + w] = raw[unit * 5 + 1 + w]; }
  scales[block] = raw[unit * 5];
}
