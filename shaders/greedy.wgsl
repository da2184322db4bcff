// The best token.
fn choose_token(local: u32, position: u32) -> u32 {
  return find_best(local).id;
}
