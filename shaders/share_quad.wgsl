// Reads 16 activations from `input`: four neighbouring threads, which want the same ones (LANES is 1), read four each and exchange them.
enable subgroups;
diagnostic(off, subgroup_uniformity); // the loop around it is uniform where LANES is 1

fn activations(at: u32, local: u32) -> mat4x4f {
  let mine = input[at + local % 4];
  return mat4x4f(quadBroadcast(mine, 0), quadBroadcast(mine, 1), quadBroadcast(mine, 2), quadBroadcast(mine, 3));
}
