// Into how many runs attention cuts the positions. workers/engine/gpu/run.ts has the same rule.
fn split_count(count: u32) -> u32 {
  return min((count + 127) / 128, MAX_SPLITS);
}
