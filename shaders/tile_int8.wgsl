// Tiles of matmul.wgsl in 8-bit integers (T3): a line holds a block's bytes, and what scales them. Needs a layout of bytes (quant/),
// integer_dots() and scaled_sum().
@group(0) @binding(2) var<storage, read> codes: array<vec4u>; // X as quantize.wgsl leaves it [tokens, BLOCKS * 3]

var<workgroup> weights: array<vec4u, 64 * 3>;     // low and high bytes, then scale and minimum of each half
var<workgroup> activations: array<vec4u, 32 * 3>; // a line a token, as in `codes`

// A thread's share: weights of block `at` to its line, and one or two vectors of activations.
fn bring(local: u32, at: u32, token: u32, block: u32) {
  let w = bytes(at);
  weights[3 * local] = w.low;
  weights[3 * local + 1] = w.high;
  weights[3 * local + 2] = bitcast<vec4u>(scale_of(at));
  for (var i = local; i < 96; i += 64) { activations[i] = codes[((token + i / 3) * BLOCKS + block) * 3 + i % 3]; }
}

// Products of the rows of four `quad` with tokens `column`, `column + 8`, + 16, + 24: a column a token.
fn products(quad: u32, column: u32) -> mat4x4f {
  let a = token_at(column);
  let b = token_at(column + 8);
  let c = token_at(column + 16);
  let d = token_at(column + 24);
  return transpose(mat4x4f(row_sums(quad, a, b, c, d), row_sums(quad + 16, a, b, c, d), row_sums(quad + 32, a, b, c, d),
    row_sums(quad + 48, a, b, c, d)));
}

// Products of a row with four tokens.
fn row_sums(line: u32, a: Codes, b: Codes, c: Codes, d: Codes) -> vec4f {
  let w = Bytes(weights[3 * line], weights[3 * line + 1]);
  let scale = bitcast<vec4f>(weights[3 * line + 2]);
  return vec4f(scaled_sum(integer_dots(w, a), scale, a), scaled_sum(integer_dots(w, b), scale, b),
    scaled_sum(integer_dots(w, c), scale, c), scaled_sum(integer_dots(w, d), scale, d));
}

fn token_at(line: u32) -> Codes {
  return Codes(activations[3 * line], activations[3 * line + 1], bitcast<vec4f>(activations[3 * line + 2]));
}
