// Draws one token at random: the best LISTED in order, cut by top-k, top-p and min-p, and one of them chosen at the temperature.
// Where nothing is cut, what lies behind the list is drawn from too, in order of ids. The order of cuts is llama.cpp's.
const LISTED = 1024u;
const BINS = 256u;    // of logits, 1/16 wide, counted from the best down

var<workgroup> bins: array<atomic<u32>, BINS>;
var<workgroup> list: array<u32, LISTED>; // ids
var<workgroup> listed: atomic<u32>;
var<workgroup> cut: u32;          // tokens in bins below `cut` are listed
var<workgroup> masses: array<vec2f, THREADS>; // of tokens: at temperature 1; of unlisted ones: at the temperature
var<workgroup> chosen: u32;

fn bin_of(logit: f32, peak: f32) -> u32 {
  return min(u32((peak - logit) * 16.0), BINS - 1);
}

// Threads take neighbouring tokens, so that the tail can be walked in order of ids.
fn share(local: u32) -> vec2u {
  let size = (VOCAB + THREADS - 1) / THREADS;
  return vec2u(min(local * size, VOCAB), min((local + 1) * size, VOCAB));
}

fn choose_token(local: u32, position: u32) -> u32 {
  let peak = find_best(local).logit;
  atomicStore(&bins[local % BINS], 0);
  if (local == 0) {
    atomicStore(&listed, 0);
    cut = 0;
  }
  workgroupBarrier(); // the bins are empty
  for (var id = local; id < VOCAB; id += THREADS) { atomicAdd(&bins[bin_of(logits[id], peak)], 1); }
  workgroupBarrier(); // the bins are full
  if (local == 0) {
    var sum = atomicLoad(&bins[0]);
    cut = 1;
    while (cut < BINS && sum + atomicLoad(&bins[cut]) <= LISTED) {
      sum += atomicLoad(&bins[cut]);
      cut++;
    }
  }
  let limit = workgroupUniformLoad(&cut);
  let mine = share(local);
  var mass = vec2f();
  for (var id = mine.x; id < mine.y; id++) {
    let below = logits[id] - peak;
    mass.x += exp(below);
    if (bin_of(logits[id], peak) >= limit) {
      mass.y += exp(below / sampling.temperature);
    } else {
      let slot = atomicAdd(&listed, 1);
      if (slot < LISTED) { list[slot] = id; }
    }
  }
  masses[local] = mass;
  workgroupBarrier(); // list and masses are complete
  if (local == 0) { chosen = min(atomicLoad(&listed), LISTED); }
  let count = workgroupUniformLoad(&chosen);
  sort(local, count);
  if (local == 0) { chosen = choose(count, peak, random(sampling.seed, position)); }
  return workgroupUniformLoad(&chosen);
}

// Bitonic sort of the list, best first. Places behind `count` are filled with the worst.
fn sort(local: u32, count: u32) {
  var size = 2u;
  while (size < count) { size *= 2; }
  for (var i = count + local; i < size; i += THREADS) { list[i] = VOCAB; }
  for (var run = 2u; run <= size; run *= 2) {
    for (var gap = run / 2; gap > 0; gap /= 2) {
      workgroupBarrier(); // the last round's exchanges are done
      for (var i = local; i < size; i += THREADS) {
        let j = i ^ gap;
        if (j > i) {
          let a = list[i];
          let b = list[j];
          if (is_better(b, a) == ((i & run) == 0)) {
            list[i] = b;
            list[j] = a;
          }
        }
      }
    }
  }
  workgroupBarrier(); // the list is in order
}

// True where token a comes before b; VOCAB stands for no token.
fn is_better(a: u32, b: u32) -> bool {
  if (a == VOCAB || b == VOCAB) { return b == VOCAB && a != VOCAB; }
  return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}
