// What the model is given, and what gives way where there is too much of it. A word is a token here.
import { describe, expect, it } from "vitest";
import { composePrompt } from "../../../web/embed/prompt.ts";

const count = async (text: string): Promise<number> => text.split(/\s+/).filter(Boolean).length;
const words = (many: number): string => Array.from({ length: many }, (_, index) => `w${index}`).join(" ");
const NOTHING = { system: "", context: "", turns: [], question: "Why?" };

describe("a prompt", () => {
  it("is the question alone where there is nothing else", async () => {
    expect(await composePrompt(NOTHING, 2048, count)).toMatchObject({
      messages: [{ role: "user", content: "Why?" }],
      contextShare: 1,
    });
  });

  it("has instructions, the page's text, the conversation and the question, in this order", async () => {
    const turns = [
      { role: "user", text: "Hello" },
      { role: "assistant", text: "Hi" },
    ] as const;
    const { messages } = await composePrompt(
      { system: "Be kind.", context: "Pears are green.", turns, question: "Why?" },
      2048,
      count,
    );
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
    expect(messages[0]!.content).toBe("Be kind.\n\nThe person is reading this text. Answer from it:\n\nPears are green.");
  });

  it("gives the page's text half of the room, and says how much of it that is", async () => {
    const { messages, contextShare } = await composePrompt({ ...NOTHING, context: words(4000) }, 1024, count);
    // 1024 positions less 256 for the answer, 1 for the question and 36 for the template's words leave 731: half is 365
    const shown = await count(messages[0]!.content.split("\n\n").at(-1)!);
    expect(shown).toBeLessThanOrEqual(365);
    expect(shown).toBeGreaterThan(300);
    expect(contextShare).toBeCloseTo(shown / 4000, 1);
    expect(messages[0]!.content).toMatch(/ w\d+$/); // cut between words
  });

  it("forgets the oldest turns first, and never begins with an answer", async () => {
    const turns = Array.from({ length: 20 }, (_, index) => ({
      role: index % 2 === 0 ? ("user" as const) : ("assistant" as const),
      text: `turn ${index} ${words(40)}`,
    }));
    const { messages } = await composePrompt({ ...NOTHING, turns }, 512, count);
    const kept = messages.slice(0, -1).map(({ content }) => Number(content.split(" ")[1]));
    expect(kept.at(-1)).toBe(19);
    expect(kept[0]! % 2).toBe(0);
    expect(kept.length).toBe(6); // 512 - 128 - 1 - 36 leaves 347 tokens: six turns of 42 words and 12 around them
  });

  it("refuses a question that does not fit alone", async () => {
    await expect(composePrompt({ ...NOTHING, question: words(500) }, 512, count)).rejects.toMatchObject({
      code: "context_full",
      message: "The question takes 500 tokens, and the model has room for 348 tokens.",
    });
  });
});
