// A learned prompt that a layer attends to beside the text (LLaMA-Adapter): attended += strength · gate · softmax(q·keys) · values, a
// softmax of its own. Its keys have no position. A workgroup for a query head and a token.
@group(0) @binding(0) var<storage, read> queries: array<f32>;        // turned [tokens, QUERY_STRIDE]
@group(0) @binding(1) var<storage, read> keys: array<f32>;           // [LENGTH, KV_WIDTH]
@group(0) @binding(2) var<storage, read> values: array<f32>;         // likewise
@group(0) @binding(3) var<storage, read> gates: array<f32>;          // [heads]
@group(0) @binding(4) var<storage, read_write> attended: array<f32>; // [tokens, RESULT_STRIDE]
@group(0) @binding(5) var<uniform> state: State;
@group(0) @binding(6) var<uniform> strength: vec4f;                  // .x: how strongly the adapter is applied

override LENGTH = 1u;
override HEAD = 8u;
override GROUP = 1u; // query heads of a KV head
override KV_WIDTH = 0u;
override SCALE = 1.0f;
override QUERY_STRIDE = 0u;
override RESULT_STRIDE = 0u;
override THREADS = 64u;

var<workgroup> weights: array<f32, LENGTH>; // scores, then their exponentials

@compute @workgroup_size(THREADS) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  if (state.stop != 0) { return; }
  let head = group.x;
  let q = group.y * QUERY_STRIDE + head * HEAD;
  let first = head / GROUP * HEAD;
  for (var p = local; p < LENGTH; p += THREADS) {
    var score = 0.0;
    for (var d = 0u; d < HEAD; d++) { score += queries[q + d] * keys[p * KV_WIDTH + first + d]; }
    weights[p] = score * SCALE;
  }
  workgroupBarrier(); // the scores are there
  var peak = -1e30;
  for (var p = 0u; p < LENGTH; p++) { peak = max(peak, weights[p]); }
  workgroupBarrier(); // everyone has read the scores
  for (var p = local; p < LENGTH; p += THREADS) { weights[p] = exp(weights[p] - peak); }
  workgroupBarrier(); // the exponentials are there
  for (var d = local; d < HEAD; d += THREADS) {
    var sum = 0.0;
    var under = 0.0;
    for (var p = 0u; p < LENGTH; p++) {
      sum += weights[p] * values[p * KV_WIDTH + first + d];
      under += weights[p];
    }
    attended[group.y * RESULT_STRIDE + head * HEAD + d] += strength.x * gates[head] * sum / under;
  }
}
