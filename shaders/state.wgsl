// Where the run stands. Written once before it by JavaScript, then moved on by pick.wgsl alone, so that nothing is written per token.
struct State {
  position: u32, // of the run's first token
  tokens: u32,   // how many run side by side
  stop: u32,     // 1 after an end token: the kernels still queued return at once
  step: u32,     // tokens picked so far
  first: u32,    // first of the tokens whose logits are wanted
}
