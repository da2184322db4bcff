// Picks the next token from the logits, in one workgroup: repetition penalty, then the best (greedy.wgsl) or one at random (draw.wgsl).
// Then it moves the state on, so that the kernels behind it run the picked token. Needs choose_token().
struct Sampling {
  temperature: f32,
  top_p: f32,
  min_p: f32,
  penalty: f32,
  top_k: u32,
  window: u32,
  seed: u32,
  end_count: u32,
  first: u32, // position of the first token that the penalty may look at
  ends: array<vec4u, 4>,
}

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;  // [VOCAB]
@group(0) @binding(1) var<storage, read_write> state: State;
@group(0) @binding(2) var<storage, read_write> history: array<u32>; // token at each position
@group(0) @binding(3) var<storage, read_write> ids: array<u32>;     // [0]: the token to run next
@group(0) @binding(4) var<storage, read_write> picked: array<u32>;  // [0]: state.step, [1]: state.stop, [2 + step % PICKED]: the tokens
@group(0) @binding(5) var<uniform> sampling: Sampling;

override VOCAB = 1u;
override PICKED = 62u;
override THREADS = 256u;

var<workgroup> stopped: u32;

@compute @workgroup_size(THREADS) fn main(@builtin(local_invocation_index) local: u32) {
  if (local == 0) { stopped = state.stop; }
  if (workgroupUniformLoad(&stopped) != 0) { return; }
  let position = state.position + 1;
  penalize(local, position);
  storageBarrier(); // the penalized logits are there for everyone
  let token = choose_token(local, position);
  if (local != 0) { return; }
  state.position = position;
  state.tokens = 1;
  history[position] = token;
  ids[0] = token;
  picked[2 + state.step % PICKED] = token;
  state.step += 1;
  for (var i = 0u; i < sampling.end_count; i++) {
    if (sampling.ends[i / 4][i % 4] == token) { state.stop = 1; }
  }
  picked[0] = state.step;
  picked[1] = state.stop;
}

// Each different token of the window once; none before sampling.first.
fn penalize(local: u32, position: u32) {
  if (sampling.penalty == 1.0) { return; }
  let count = min(sampling.window, position - sampling.first);
  for (var i = local; i < count; i += THREADS) {
    let token = history[position - 1 - i];
    var first = true;
    for (var j = 0u; j < i; j++) { first = first && history[position - 1 - j] != token; }
    if (first) { logits[token] *= select(sampling.penalty, 1.0 / sampling.penalty, logits[token] > 0.0); }
  }
}
