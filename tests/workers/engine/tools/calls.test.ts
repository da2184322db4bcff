// Calls of functions: what grammars let a model write, and what is read of it.
import { describe, expect, it } from "vitest";
import type { ChatTool } from "../../../../workers/engine/base/openai.ts";
import { callRules } from "../../../../workers/engine/tools/calls.ts";
import type { ToolConvention } from "../../../../workers/engine/tools/convention.ts";
import { CONVENTIONS } from "../../../../workers/engine/tools/index.ts";
import { ToolReader } from "../../../../workers/engine/tools/reader.ts";
import { accepts, speak } from "../grammar/speaker.ts";
import { dice } from "../grammar/schemas.ts";

const TOOLS: ChatTool[] = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 7 } },
        required: ["city"],
      },
    },
  },
  { type: "function", function: { name: "now" } },
];
const convention = (id: string): ToolConvention => CONVENTIONS.find((one) => one.id === id)!;
const WRITTEN: Record<string, string> = {
  hermes: '<tool_call>\n{"name": "weather", "arguments": {"city": "Lima", "days": 2}}\n</tool_call>',
  llama3: '{"name": "weather", "parameters": {"city": "Lima", "days": 2}}',
  mistral: '[{"name": "weather", "arguments": {"city": "Lima", "days": 2}}]',
};
const CALL = { name: "weather", arguments: '{"city":"Lima","days":2}' };

/** Reads an answer in pieces of so many characters. */
function read(reader: ToolReader, answer: string, size: number): { text: string; calls: unknown[] } {
  const reads = [];
  for (let at = 0; at < answer.length; at += size) reads.push(reader.push(answer.slice(at, at + size)));
  reads.push(reader.end());
  return { text: reads.map(({ text }) => text).join(""), calls: reads.flatMap(({ calls }) => calls) };
}

describe.each(["hermes", "llama3", "mistral"])("calls as %s writes them", (id) => {
  const way = convention(id);
  const must = callRules(TOOLS, way, { isFree: false, parallel: false })!;

  it("are all that a model can write when it has to call", () => {
    expect(accepts(must, WRITTEN[id]!)).toBe(true);
    expect(accepts(must, "I would rather talk.")).toBe(false);
    expect(accepts(must, WRITTEN[id]!.replace('"days": 2', '"days": 9'))).toBe(false);
    expect(accepts(must, WRITTEN[id]!.replace("weather", "whether"))).toBe(false);
    for (let seed = 0; seed < 30; seed++) {
      const said = speak(must, dice(seed), 80);
      const { text, calls } = read(new ToolReader(way, way.opensByToken), said.text, 5);
      expect([said.ended, text, calls.length], said.text).toEqual([true, "", 1]);
    }
  });

  it.each([1, 3, 1000])("are read in pieces of %d characters", (size) => {
    expect(read(new ToolReader(way, way.opensByToken), WRITTEN[id]!, size)).toEqual({ text: "", calls: [CALL] });
    const talk = 'No call: {"a": 1} <b> <tool> [1]';
    expect(read(new ToolReader(way), talk, size)).toEqual({ text: talk, calls: [] });
  });

  it("are told as text where they can't be read", () => {
    const broken = way.open + WRITTEN[id]!.slice(way.opensByToken ? 0 : way.open.length).replace('"city"', "city");
    const { text, calls } = read(new ToolReader(way), broken, 4);
    expect(calls).toEqual([]);
    expect(text.trim()).toBe(broken.trim());
  });
});

describe("a model that may call", () => {
  it("talks, or calls as it should", () => {
    const rules = callRules(TOOLS, convention("hermes"), { isFree: true, parallel: true })!;
    expect(accepts(rules, "A < b, <tool> and <<tool_cal are no calls.")).toBe(true);
    expect(accepts(rules, `Let me see. ${WRITTEN["hermes"]!}\n${WRITTEN["hermes"]!}`)).toBe(true);
    expect(accepts(rules, "Let me see. <tool_call>\nnow")).toBe(false);
    const llama = callRules(TOOLS, convention("llama3"), { isFree: true, parallel: true })!;
    expect(accepts(llama, "It is sunny {really}.")).toBe(true);
    expect(accepts(llama, '{"name": "now", "parameters": {}}')).toBe(true);
    expect(accepts(llama, '{"name": "never", "parameters": {}}')).toBe(false);
    expect(callRules(TOOLS, convention("mistral"), { isFree: true, parallel: true })).toBeNull();
  });

  it("is read where text and calls follow each other", () => {
    const answer = `Let me look.\n${WRITTEN["hermes"]!}\n${WRITTEN["hermes"]!}`;
    expect(read(new ToolReader(convention("hermes")), answer, 2)).toEqual({ text: "Let me look.\n", calls: [CALL, CALL] });
  });
});
