// The fixed texts that every engine is measured on.
// Greedy tokens follow a place from which every choice is clear (by 0.02 at least) in every variant, so that rounding decides none.
import type { Task } from "./truth.ts";

/** Plain prose, a list, code and a question: 144 tokens of SmolLM2, 128 of which count. */
export const PROSE: Task = {
  positions: 128,
  promptTokens: 120,
  greedyTokens: 48,
  text: `The lighthouse at the end of the cape was built in 1874, after three ships had been lost on the same reef in a single winter. \
Its lamp could be seen for twenty-two miles, and the keeper's family lived in the round rooms below it for almost sixty years. \
They grew potatoes, kept a goat, and wrote down the weather four times a day:
- wind and its direction,
- the height of the waves,
- every sail in sight.

In Python, the average of their readings is written as

def average(readings):
    return sum(readings) / len(readings)

What would you ask the last keeper of the light, if you could meet her today? I would ask her what she heard at night.`,
};

/** A story of the kind stories260K was trained on. */
export const STORY: Task = {
  positions: 160,
  promptTokens: 40,
  greedyTokens: 48,
  text: `Once upon a time, there was a little girl named Lily. She loved to play outside in the park with her big red ball. \
One day, she saw a small bird on a tree. The bird was sad because it could not fly. Lily wanted to help the bird. \
She asked her mom, "Can we help the bird?" Her mom smiled and said, "Yes, we can." They took the bird home and gave it \
some water. The next day, the bird was very happy. It started to sing and fly. Lily was so happy too.`,
};
