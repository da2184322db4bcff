// Cuts the ordered list of draw.wgsl by top-k, top-p and min-p, and walks what is left at the temperature.
// For one thread. The token at `dice` (0 to 1) of the way through what is kept.
fn choose(count: u32, peak: f32, dice: f32) -> u32 {
  var everything = 0.0; // mass of all tokens at temperature 1
  var tail = 0.0;       // mass of the unlisted ones at the temperature
  for (var i = 0u; i < THREADS; i++) {
    everything += masses[i].x;
    tail += masses[i].y;
  }
  var kept = count;
  if (sampling.top_k > 0) {
    kept = min(kept, sampling.top_k);
    everything = 0.0;
    for (var i = 0u; i < kept; i++) { everything += exp(logits[list[i]] - peak); }
    tail = 0.0;
  }
  if (sampling.top_p < 1.0) {
    var sum = 0.0;
    for (var i = 0u; i < kept; i++) {
      sum += exp(logits[list[i]] - peak);
      if (sum >= sampling.top_p * everything) {
        kept = i + 1;
        tail = 0.0;
      }
    }
  }
  if (sampling.min_p > 0.0) {
    let floor = peak + log(sampling.min_p);
    while (kept > 1 && logits[list[kept - 1]] < floor) {
      kept--;
      tail = 0.0;
    }
  }
  var total = 0.0;
  for (var i = 0u; i < kept; i++) { total += exp((logits[list[i]] - peak) / sampling.temperature); }
  var left = dice * (total + tail);
  for (var i = 0u; i < kept; i++) {
    left -= exp((logits[list[i]] - peak) / sampling.temperature);
    if (left < 0.0) { return list[i]; }
  }
  if (tail == 0.0) { return list[kept - 1]; }
  return walk_tail(left, peak);
}

fn walk_tail(dice: f32, peak: f32) -> u32 {
  var left = dice;
  var last = list[0];
  for (var thread = 0u; thread < THREADS; thread++) {
    if (left >= masses[thread].y) {
      left -= masses[thread].y;
      continue;
    }
    let range = share(thread);
    for (var id = range.x; id < range.y; id++) {
      if (bin_of(logits[id], peak) < cut) { continue; }
      last = id;
      left -= exp((logits[id] - peak) / sampling.temperature);
      if (left < 0.0) { return id; }
    }
  }
  return last;
}
