// Q6_K: 128 bytes of lower bits, 64 of upper ones, 16 signed scales, half d. A unit is eight blocks: two halves of four.
// Lower bits: block j of a half is in the nibbles j / 2 of its bytes 32 (j % 2) to 32 (j % 2) + 31; upper: bits 2j of its bytes 0 to 31.
fn repack(unit: u32, block: u32) {
  let start = unit * 210;
  for (var b = 0u; b < 8; b++) {
    let low = start + b / 4 * 64 + b % 2 * 32;
    let high = start + 128 + b / 4 * 32;
    let nibble = b % 4 / 2 * 4;
    let pair = b % 4 * 2;
    var upper = vec2u();
    for (var w = 0u; w < 4; w++) {
      let first = (word_at(low + 4 * w) >> nibble) & 0x0f0f0f0f;
      let second = (word_at(low + 16 + 4 * w) >> nibble) & 0x0f0f0f0f;
      quants[(block + b) * 4 + w] = first | (second << 4);
      upper.x |= ((word_at(high + 4 * w) >> pair) & 0x03030303) << (2 * w);
      upper.y |= ((word_at(high + 16 + 4 * w) >> pair) & 0x03030303) << (2 * w);
    }
    quants[piece.upper + 2 * (block + b)] = upper.x;
    quants[piece.upper + 2 * (block + b) + 1] = upper.y;
  }
  let to = block / 8 * 5;
  scales[to] = half_at(start + 208);
  for (var w = 0u; w < 4; w++) { scales[to + 1 + w] = word_at(start + 192 + 4 * w); }
}
