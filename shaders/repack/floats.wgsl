// F16, BF16, F32: moved as they are; rows that don't fill their last block are filled up with zeros.
override WEIGHT_BYTES = 4u;

fn repack(unit: u32, block: u32) {
  let blocks = (piece.cols + 31) / 32; // of a row
  let row = unit / blocks;
  let col = unit % blocks * 32;
  let words = 8 * WEIGHT_BYTES;
  for (var w = 0u; w < words; w++) {
    let c = col + 4 * w / WEIGHT_BYTES;
    let at = (row * piece.cols + c) * WEIGHT_BYTES;
    var word = 0u;
    if (c < piece.cols) { word = word_at(at); }
    if (WEIGHT_BYTES == 2 && c + 1 == piece.cols) { word &= 0xffff; }
    quants[block * words + w] = word;
  }
}
