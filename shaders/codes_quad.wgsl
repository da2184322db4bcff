// Reads a block of activations in 8-bit integers (quantize.wgsl): of four neighbouring threads, which want the same one (LANES is 1),
// three read a vector each, and all exchange them.
enable subgroups;
diagnostic(off, subgroup_uniformity); // the loop around it is uniform where LANES is 1

fn codes_at(at: u32, local: u32) -> Codes {
  let mine = codes[at + min(local % 4, 2)];
  return Codes(quadBroadcast(mine, 0), quadBroadcast(mine, 1), bitcast<vec4f>(quadBroadcast(mine, 2)));
}
