// Adds up what LANES neighbouring threads have, in shared memory. The sums are right in the first of them.
struct Whole {
  sums: vec4f,
  squares: f32,
}

var<workgroup> shared_sums: array<vec4f, THREADS>;
var<workgroup> shared_squares: array<f32, THREADS>;

fn reduce(sums: vec4f, squares: f32, local: u32) -> Whole {
  if (LANES == 1) { return Whole(sums, squares); }
  shared_sums[local] = sums;
  shared_squares[local] = squares;
  for (var stride = LANES / 2; stride > 0; stride /= 2) {
    workgroupBarrier(); // the sums of the last round are written
    if (local % LANES < stride) {
      shared_sums[local] += shared_sums[local + stride];
      shared_squares[local] += shared_squares[local + stride];
    }
  }
  return Whole(shared_sums[local], shared_squares[local]);
}
