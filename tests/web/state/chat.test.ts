// A conversation from question to store: streaming, stopping, asking again, branches, failures, a full context, two tabs.
import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import * as db from "../../../web/lib/db.ts";
import { Chat } from "../../../web/state/chat.svelte.ts";
import { Conversations } from "../../../web/state/conversations.svelte.ts";
import { Model } from "../../../web/state/model.svelte.ts";
import { Settings } from "../../../web/state/settings.svelte.ts";
import { EngineDouble, type Script } from "../double.ts";
import { memoryStore } from "./memory-store.ts";

interface Tab {
  chat: Chat;
  conversations: Conversations;
  engine: EngineDouble;
  model: Model;
}

async function openTab(script: Partial<Script> = {}): Promise<Tab> {
  const engine = new EngineDouble({ stored: true, ...script });
  const settings = new Settings(memoryStore());
  const model = new Model(engine, settings);
  const conversations = new Conversations(null);
  await model.start();
  return { chat: new Chat(model, settings, conversations), conversations, engine, model };
}

const said = (chat: Chat): string[] => chat.path.map(({ role, text }) => `${role}: ${text}`);

beforeEach(() => db.removeEverything());

describe("a chat", () => {
  it("answers, keeps the answer with its figures, and names the conversation after the question", async () => {
    const { chat, conversations } = await openTab();
    await chat.ask("  What is the capital of France?  ");
    expect(said(chat)).toEqual(["user: What is the capital of France?", "assistant: The capital of France is Paris."]);
    expect(chat.path[1]!.answer).toMatchObject({ tokens: 7, tokensPerSecond: 40, stop: "eos", backend: "webgpu T2" });
    expect(chat.contextTokens).toBeGreaterThan(7);
    expect(conversations.list.map(({ title }) => title)).toEqual(["What is the capital of France?"]);
    const stored = await db.readArchive(chat.conversation!.id);
    expect(stored!.messages.map(({ text }) => text).sort()).toEqual(chat.path.map(({ text }) => text).sort());
  });

  it("has every word stored while it is still answering", async () => {
    const { chat } = await openTab({ tokenMs: 20, answer: () => "one two three four five six seven eight nine ten" });
    const asking = chat.ask("Count");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stored = await db.readArchive(chat.conversation!.id);
    const answer = stored!.messages.find(({ role }) => role === "assistant")!;
    expect(answer.text).toMatch(/^one two/);
    expect(chat.text.length - answer.text.length).toBeLessThan(12); // at most the token in flight
    expect(answer.answer!.stop).toBeNull();
    await asking;
  });

  it("stops where it is told to, and keeps what was said", async () => {
    const { chat } = await openTab({ tokenMs: 20, answer: () => "word ".repeat(200) });
    const asking = chat.ask("Go on");
    await new Promise((resolve) => setTimeout(resolve, 200));
    chat.stop();
    await asking;
    expect(chat.error).toBeNull();
    expect(chat.answering).toBeNull();
    expect(chat.path[1]!.text).toMatch(/^word/);
    expect(chat.path[1]!.answer!.stop).toBe("stopped");
  });

  it("gives the model the whole path and the system prompt", async () => {
    const { chat, engine } = await openTab();
    await chat.ask("One");
    await chat.ask("Two");
    expect(engine.requests[1]!.messages).toEqual([
      { role: "user", content: "One" },
      { role: "assistant", content: "The capital of France is Paris." },
      { role: "user", content: "Two" },
    ]);
  });

  it("keeps both answers when it is asked again, and both questions when one is edited", async () => {
    const { chat, engine } = await openTab();
    await chat.ask("One");
    engine.script.answer = () => "Another.";
    await chat.retry();
    expect(said(chat)).toEqual(["user: One", "assistant: Another."]);
    expect(chat.branches(chat.path[1]!).map(({ text }) => text)).toEqual(["The capital of France is Paris.", "Another."]);
    await chat.ask("Uno", chat.path[0]!);
    expect(said(chat)).toEqual(["user: Uno", "assistant: Another."]);
    expect(engine.requests.at(-1)!.messages).toEqual([{ role: "user", content: "Uno" }]);
    await chat.show(chat.branches(chat.path[0]!)[0]!);
    expect(said(chat)).toEqual(["user: One", "assistant: Another."]);
  });

  it("keeps answers in their order, were they all given within one millisecond", async () => {
    const clock = vi.spyOn(Date, "now").mockReturnValue(1_700_000_000_000);
    const { chat, engine } = await openTab();
    await chat.ask("One");
    const answers = ["two", "three", "four", "five"];
    for (const answer of answers) {
      engine.script.answer = () => answer;
      await chat.retry();
    }
    clock.mockRestore();
    expect(chat.branches(chat.path[1]!).map(({ text }) => text)).toEqual(["The capital of France is Paris.", ...answers]);
  });

  it("survives a failure before the first word: the question stays, and asking again works", async () => {
    const { chat, engine } = await openTab({ failures: [{ at: "answer", code: "gpu_lost" }] });
    await chat.ask("Hello");
    expect(chat.error?.code).toBe("gpu_lost");
    expect(said(chat)).toEqual(["user: Hello"]);
    expect((await db.readArchive(chat.conversation!.id))!.messages).toHaveLength(1);
    await chat.retry();
    expect(chat.error).toBeNull();
    expect(said(chat)).toHaveLength(2);
    expect(engine.requests).toHaveLength(2);
  });

  it("keeps half an answer when it fails in the middle", async () => {
    const { chat } = await openTab({ failures: [{ at: "answer", code: "internal" }], tokensBeforeFailure: 3 });
    await chat.ask("Hello");
    expect(chat.error?.code).toBe("internal");
    expect(chat.path[1]!.text).toBe("The capital");
  });

  it("offers to forget the oldest turns when the context is full, and then leaves them out", async () => {
    const { chat, engine } = await openTab({ contextLength: 60 });
    for (const question of ["One", "Two", "Three"]) await chat.ask(question);
    engine.script.failures.push({ at: "answer", code: "context_full" });
    await chat.ask("Four");
    expect(chat.error?.code).toBe("context_full");
    await chat.dropOldest();
    await chat.retry();
    const { messages } = engine.requests.at(-1)!;
    expect(messages.map(({ content }) => content)).not.toContain("One");
    expect(messages.at(-1)!.content).toBe("Four");
    expect(messages[0]!.role).toBe("user");
    expect(said(chat)).toHaveLength(8); // all of it is still on the screen
  });

  it("answers a question that was asked while the model was still loading", async () => {
    const { chat, model } = await openTab({ stored: false });
    const asking = chat.ask("Hello");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(chat.answering).not.toBeNull();
    await model.load();
    await asking;
    expect(said(chat)).toHaveLength(2);
  });

  it("goes on in the store when one leaves the conversation: what was said is kept", async () => {
    const { chat } = await openTab({ tokenMs: 10, answer: () => "word ".repeat(100) });
    const asking = chat.ask("Go on");
    const id = chat.conversation!.id;
    await new Promise((resolve) => setTimeout(resolve, 150));
    chat.startNew();
    await asking;
    expect(chat.path).toEqual([]);
    await chat.open(id);
    expect(chat.path[1]!.text).toMatch(/^word/);
    expect(chat.path[1]!.answer!.stop).toBe("stopped");
  });

  it("does not come back from the dead when it is deleted while it answers", async () => {
    const { chat, conversations } = await openTab({ tokenMs: 10, answer: () => "word ".repeat(100) });
    const asking = chat.ask("Go on");
    const id = chat.conversation!.id;
    await new Promise((resolve) => setTimeout(resolve, 100));
    chat.startNew();
    await conversations.remove(id);
    await asking;
    expect(await db.readArchive(id)).toBeNull();
    expect(await db.listConversations()).toEqual([]);
  });
});

describe("two tabs", () => {
  it("lose nothing when both write to one conversation", async () => {
    const one = await openTab();
    const two = await openTab({ answer: () => "From the other tab." });
    await one.chat.ask("Hello");
    await two.conversations.refresh();
    await two.chat.open(one.chat.conversation!.id);
    await Promise.all([one.chat.ask("First"), two.chat.ask("Second")]);
    const { messages } = (await db.readArchive(one.chat.conversation!.id))!;
    expect(messages.map(({ text }) => text)).toEqual(expect.arrayContaining(["First", "Second", "From the other tab."]));
    await one.chat.reread();
    expect(one.chat.messages).toHaveLength(6);
  });

  it("show a conversation that the other one deleted as gone", async () => {
    const one = await openTab();
    const two = await openTab();
    await one.chat.ask("Hello");
    await two.chat.open(one.chat.conversation!.id);
    await one.conversations.remove(one.chat.conversation!.id);
    await two.chat.reread();
    expect(two.chat.conversation).toBeNull();
  });
});
