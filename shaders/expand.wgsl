// The change that a low-rank adapter makes to linear maps, second half: addend = base + strength · B·low. A thread for a row and four
// tokens. Rows of up to three maps follow one another, each map's `low` behind the last one's.
@group(0) @binding(0) var<storage, read> up: array<f32>;           // B, transposed [RANK, ROWS]
@group(0) @binding(1) var<storage, read> low: array<f32>;          // [tokens, LOW]
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [ROWS]
@group(0) @binding(3) var<storage, read_write> addend: array<f32>; // [tokens, ROWS]
@group(0) @binding(4) var<uniform> state: State;
@group(0) @binding(5) var<uniform> strength: vec4f;                // .x: how strongly the adapter is applied

override ROWS = 0u;
override FIRST_END = 0u;  // behind the first map's rows
override SECOND_END = 0u; // behind the second's
override RANK = 1u;
override LOW = 1u;        // RANK · maps
override BASE = 0u;       // 0: nothing, 1: the bias, 2: what an adapter before this one has left in `addend`
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (state.stop != 0 || row >= ROWS) { return; }
  let token = 4 * id.y;
  var at = token * LOW + RANK * (u32(row >= FIRST_END) + u32(row >= SECOND_END));
  var sums = vec4f(); // of four tokens
  for (var r = 0u; r < RANK; r++) {
    sums += up[r * ROWS + row] * vec4f(low[at], low[at + LOW], low[at + 2 * LOW], low[at + 3 * LOW]);
    at++;
  }
  for (var i = 0u; i < min(4, state.tokens - token); i++) {
    let place = (token + i) * ROWS + row;
    var base = 0.0;
    if (BASE == 1) { base = bias[row]; }
    if (BASE == 2) { base = addend[place]; }
    addend[place] = base + strength.x * sums[i];
  }
}
