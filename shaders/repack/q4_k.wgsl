// Q4_K: halves d and dmin, 12 bytes of scales and minimums, 128 bytes of nibbles. A unit is eight blocks. Needs k.wgsl.
fn repack(unit: u32, block: u32) {
  repack_scales(unit * 144, block);
  repack_nibbles(unit * 36 + 4, block);
}
