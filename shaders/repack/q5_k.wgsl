// Q5_K: as Q4_K, with 32 bytes of fifth bits before the nibbles: bit j of byte l belongs to weight l of block j. Needs k.wgsl.
fn repack(unit: u32, block: u32) {
  repack_scales(unit * 176, block);
  repack_nibbles(unit * 44 + 12, block);
  for (var j = 0u; j < 8; j++) {
    var bits = 0u;
    for (var i = 0u; i < 8; i++) { bits |= ((raw[unit * 44 + 4 + i] >> j) & 0x01010101) << i; }
    quants[piece.upper + block + j] = bits;
  }
}
