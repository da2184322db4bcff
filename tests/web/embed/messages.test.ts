// What crosses between a page and the frame: only what is described, in the size that is described.
import { describe, expect, it } from "vitest";
import { isConnect, isFromFrame, isHello, isToFrame, LONGEST } from "../../../web/embed/messages.ts";
import { CONFIG } from "./config.ts";

describe("messages from the page", () => {
  it.each([
    [{ type: "ask", id: "ask-1", text: "What?" }],
    [{ type: "stop" }],
    [{ type: "shown", shown: true, focus: false }],
    [{ type: "configure", config: CONFIG }],
    [{ type: "configure", config: { ...CONFIG, theme: { accent: "#123456" }, budget: 500, suggestions: ["One?"] } }],
  ])("are understood: %j", (message) => expect(isToFrame(message)).toBe(true));

  it.each([
    [null],
    ["stop"],
    [[]],
    [{}],
    [{ type: "eval", code: "1" }],
    [{ type: "stop", more: true }],
    [{ type: "ask", id: "ask-1" }],
    [{ type: "ask", id: 1, text: "What?" }],
    [{ type: "ask", id: "ask-1", text: { toString: "What?" } }],
    [{ type: "ask", id: "x".repeat(41), text: "What?" }],
    [{ type: "ask", id: "ask-1", text: "x".repeat(LONGEST.question + 1) }],
    [{ type: "shown", shown: 1, focus: false }],
    [{ type: "configure", config: { ...CONFIG, script: "1" } }],
    [{ type: "configure", config: { ...CONFIG, scheme: "sepia" } }],
    [{ type: "configure", config: { ...CONFIG, budget: -1 } }],
    [{ type: "configure", config: { ...CONFIG, budget: 1.5 } }],
    [{ type: "configure", config: { ...CONFIG, suggestions: Array.from({ length: 7 }, () => "x") } }],
    [{ type: "configure", config: { ...CONFIG, context: "x".repeat(LONGEST.context + 1) } }],
    [{ type: "configure", config: { ...CONFIG, theme: { accent: 5 } } }],
    [{ type: "configure", config: { ...CONFIG, theme: { "--page": "red" } } }],
    [{ type: "configure", config: Object.assign(Object.create({ model: "" }), { ...CONFIG, model: undefined }) }],
  ])("are refused: %j", (message) => expect(isToFrame(message)).toBe(false));
});

describe("the meeting", () => {
  it("is between two of the same version", () => {
    expect(isHello({ cria: 1, type: "hello" })).toBe(true);
    expect(isHello({ cria: 2, type: "hello" })).toBe(false);
    expect(isConnect({ cria: 1, type: "connect", config: CONFIG })).toBe(true);
    expect(isConnect({ cria: 1, type: "connect", config: { ...CONFIG, model: null } })).toBe(false);
  });
});

describe("messages from the frame", () => {
  it.each([
    [{ type: "state", state: "asking" }, true],
    [{ type: "state", state: "pwned" }, false],
    [{ type: "token", id: "ask-1", text: "Par" }, true],
    [{ type: "token", id: null, text: "what the visitor sees" }, false],
    [{ type: "message", id: null, role: "user", text: "shared", tokens: 0 }, true],
    [{ type: "message", id: "ask-1", role: "system", text: "", tokens: 0 }, false],
    [{ type: "error", id: null, error: { code: "declined", message: "No.", hint: "" } }, true],
    [{ type: "error", id: null, error: { code: "rm -rf", message: "No.", hint: "" } }, false],
  ])("%j: %s", (message, understood) => expect(isFromFrame(message)).toBe(understood));
});
