// The largest logit; of equal ones, that of the lowest id. For one workgroup of THREADS, a power of two.
struct Best {
  logit: f32,
  id: u32,
}

var<workgroup> candidates: array<Best, THREADS>;

fn find_best(local: u32) -> Best {
  var best = Best(-3.4e38, VOCAB);
  for (var id = local; id < VOCAB; id += THREADS) {
    if (logits[id] > best.logit) { best = Best(logits[id], id); }
  }
  candidates[local] = best;
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    workgroupBarrier(); // the winners of the last round are written
    if (local < stride) {
      let other = candidates[local + stride];
      let mine = candidates[local];
      if (other.logit > mine.logit || (other.logit == mine.logit && other.id < mine.id)) { candidates[local] = other; }
    }
  }
  workgroupBarrier(); // the last winner is written
  return candidates[0];
}
