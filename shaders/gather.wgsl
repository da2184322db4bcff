// Which tokens take an expert: a list of jobs for each, a job being a place in `chosen`. A thread an expert.
@group(0) @binding(0) var<storage, read> chosen: array<u32>;      // [tokens, USED]
@group(0) @binding(1) var<storage, read_write> jobs: array<u32>;  // lengths [COUNT], then lists [COUNT, CHUNK]
@group(0) @binding(2) var<uniform> state: State;

override COUNT = 1u;
override USED = 1u;
override CHUNK = 1u; // most tokens there are
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u) {
  let expert = id.x;
  if (expert >= COUNT) { return; }
  var length = 0u;
  for (var job = 0u; job < state.tokens * USED; job++) {
    if (chosen[job] == expert) {
      jobs[COUNT + expert * CHUNK + length] = job;
      length++;
    }
  }
  jobs[expert] = length;
}
