// Vicuna v0: human and assistant behind "###", which also ends an answer; with and without the example conversation.
// Source: lm-sys/FastChat fastchat/conversation.py, zero_shot and one_shot (Apache-2.0).
import type { ChatMessage } from "../../base/openai.ts";
import { type ChatFamily, turnsOf } from "../family.ts";

const SYSTEM =
  "A chat between a curious human and an artificial intelligence assistant. " +
  "The assistant gives helpful, detailed, and polite answers to the human's questions.";

/** "…\n### Human: Hello\n### Assistant:". */
export const vicunaV0: ChatFamily = {
  id: "vicuna-v0",
  name: "Vicuna v0",
  mark: "### Human:",
  fits: ({ name }) => /vicuna.*v0/i.test(name),
  system: SYSTEM,
  render: renderTurns,
  stop: ["###"],
  emptySystem: "",
};

/** The same after an example, which FastChat gives to v0: some 600 tokens, read once. */
export const vicunaV0OneShot: ChatFamily = {
  ...vicunaV0,
  id: "vicuna-v0-one-shot",
  name: "Vicuna v0 after an example",
  mark: null,
  fits: () => false,
  render: (messages) => {
    const { system, turns } = turnsOf(messages);
    return renderTurns([{ role: "system", content: system }, ...EXAMPLE, ...turns]);
  },
};

function renderTurns(messages: readonly ChatMessage[]): string {
  const { system, turns } = turnsOf(messages);
  const lines = turns.map(({ role, content }) => `${role === "user" ? "### Human" : "### Assistant"}: ${content}\n`);
  return `${system === "" ? "" : `${system}\n`}${lines.join("")}### Assistant:`;
}

const EXAMPLE: readonly ChatMessage[] = [
  { role: "user", content: "Got any creative ideas for a 10 year old’s birthday?" },
  {
    role: "assistant",
    content:
      "Of course! Here are some creative ideas for a 10-year-old's birthday party:\n" +
      "1. Treasure Hunt: Organize a treasure hunt in your backyard or nearby park. Create clues and riddles for " +
      "the kids to solve, leading them to hidden treasures and surprises.\n" +
      "2. Science Party: Plan a science-themed party where kids can engage in fun and interactive experiments. " +
      "You can set up different stations with activities like making slime, erupting volcanoes, or creating " +
      "simple chemical reactions.\n" +
      "3. Outdoor Movie Night: Set up a backyard movie night with a projector and a large screen or white " +
      "sheet. Create a cozy seating area with blankets and pillows, and serve popcorn and snacks while the kids " +
      "enjoy a favorite movie under the stars.\n" +
      "4. DIY Crafts Party: Arrange a craft party where kids can unleash their creativity. Provide a variety of " +
      "craft supplies like beads, paints, and fabrics, and let them create their own unique masterpieces to " +
      "take home as party favors.\n" +
      "5. Sports Olympics: Host a mini Olympics event with various sports and games. Set up different stations " +
      "for activities like sack races, relay races, basketball shooting, and obstacle courses. Give out medals " +
      "or certificates to the participants.\n" +
      "6. Cooking Party: Have a cooking-themed party where the kids can prepare their own mini pizzas, " +
      "cupcakes, or cookies. Provide toppings, frosting, and decorating supplies, and let them get hands-on in " +
      "the kitchen.\n" +
      "7. Superhero Training Camp: Create a superhero-themed party where the kids can engage in fun training " +
      "activities. Set up an obstacle course, have them design their own superhero capes or masks, and organize " +
      "superhero-themed games and challenges.\n" +
      "8. Outdoor Adventure: Plan an outdoor adventure party at a local park or nature reserve. Arrange " +
      "activities like hiking, nature scavenger hunts, or a picnic with games. Encourage exploration and " +
      "appreciation for the outdoors.\n" +
      "Remember to tailor the activities to the birthday child's interests and preferences. Have a great " +
      "celebration!",
  },
];
