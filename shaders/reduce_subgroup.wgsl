// Adds up what LANES neighbouring threads have: SHUFFLED of them by shuffles, which any subgroup of at least that size can do, the rest
// in shared memory. The sums are right in the first of them. Neighbouring threads are taken to be neighbours in the subgroup too; the
// self-test finds where they are not.
enable subgroups;
diagnostic(off, subgroup_uniformity);

override SHUFFLED = 4u; // the smaller of LANES and the smallest subgroup there is

struct Whole {
  sums: vec4f,
  squares: f32,
}

var<workgroup> shared_sums: array<vec4f, THREADS>;
var<workgroup> shared_squares: array<f32, THREADS>;

fn reduce(sums: vec4f, squares: f32, local: u32) -> Whole {
  var whole = Whole(sums, squares);
  for (var step = SHUFFLED / 2; step > 0; step /= 2) {
    whole.sums += subgroupShuffleXor(whole.sums, step);
    whole.squares += subgroupShuffleXor(whole.squares, step);
  }
  if (SHUFFLED == LANES) { return whole; }
  shared_sums[local] = whole.sums;
  shared_squares[local] = whole.squares;
  workgroupBarrier(); // every part is there
  if (local % LANES == 0) {
    for (var other = SHUFFLED; other < LANES; other += SHUFFLED) {
      whole.sums += shared_sums[local + other];
      whole.squares += shared_squares[local + other];
    }
  }
  return whole;
}
