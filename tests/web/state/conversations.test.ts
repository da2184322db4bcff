// The list of conversations: renamed, deleted and brought back, searched, exported and imported.
import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import { pathTo, titleOf, toMarkdown, type Conversation, type Message } from "../../../web/lib/conversation.ts";
import * as db from "../../../web/lib/db.ts";
import { readArchives, writeArchives } from "../../../web/lib/transfer.ts";
import { Conversations } from "../../../web/state/conversations.svelte.ts";

const conversation: Conversation = { id: "c", title: "Llamas", createdAt: 1, updatedAt: 2, head: "a", seenFrom: null };
const question: Message = { id: "q", parent: null, role: "user", text: "What is a cria?", at: 1, answer: null };
const answer: Message = {
  id: "a",
  parent: "q",
  role: "assistant",
  text: "A young llama, alpaca or vicuña.",
  at: 2,
  answer: null,
};

let conversations: Conversations;
beforeEach(async () => {
  await db.removeEverything();
  conversations = new Conversations(null);
  await conversations.save(conversation, [question, answer]);
});

describe("conversations", () => {
  it("are renamed, and a blank name changes nothing", async () => {
    await conversations.rename("c", " Young llamas ");
    await conversations.rename("c", "   ");
    expect((await db.listConversations())[0]!.title).toBe("Young llamas");
  });

  it("are deleted with all their messages, and brought back whole", async () => {
    const archive = await conversations.remove("c");
    expect(await db.readEverything()).toEqual([]);
    await conversations.restore(archive!);
    expect((await conversations.open("c"))!.messages).toHaveLength(2);
    expect(conversations.list).toHaveLength(1);
  });

  it("are found by words of any message, with the place shown", async () => {
    expect(await conversations.search("ALPACA young")).toEqual([{ conversation, excerpt: "A young llama, alpaca or vicuña." }]);
    expect(await conversations.search("llamas")).toEqual([{ conversation, excerpt: "" }]);
    expect(await conversations.search("horse")).toEqual([]);
  });

  it("are the same after export and import, branches included", async () => {
    const other: Message = { ...answer, id: "b", text: "A baby llama." };
    await conversations.save(conversation, [other]);
    const text = writeArchives(await conversations.everything());
    await conversations.removeEverything();
    expect(await conversations.import(text)).toBe(1);
    expect(await conversations.everything()).toEqual(readArchives(text));
    expect(readArchives(text)[0]!.messages).toHaveLength(3);
  });

  it("become Markdown along the path that is shown", () => {
    expect(toMarkdown(conversation, pathTo([question, answer], "a"))).toBe(
      "# Llamas\n\n## You\n\nWhat is a cria?\n\n## Cria\n\nA young llama, alpaca or vicuña.\n",
    );
  });

  it.each([
    ["not JSON", "{", "not JSON"],
    ["of another program", '{"messages":[]}', "format"],
    ["of a later version", '{"format":"cria-conversations","version":9,"conversations":[]}', "version is 9"],
    [
      "incomplete",
      '{"format":"cria-conversations","version":1,"conversations":[{"conversation":{},"messages":[]}]}',
      "conversation 1",
    ],
    [
      "hostile in a message",
      JSON.stringify({
        format: "cria-conversations",
        version: 1,
        conversations: [{ conversation, messages: [{ ...question, role: "system" }] }],
      }),
      "message 1 of conversation 1",
    ],
    [
      "hostile in an id",
      JSON.stringify({
        format: "cria-conversations",
        version: 1,
        conversations: [{ conversation: { ...conversation, id: "a/b" }, messages: [] }],
      }),
      "conversation 1",
    ],
  ])("refuse a file that is %s, saying why", (_, text, why) => {
    expect(() => readArchives(text)).toThrow(why);
  });
});

describe("a path", () => {
  it("ends where the chain is broken or closes on itself", () => {
    expect(pathTo([answer], "a")).toEqual([answer]);
    expect(pathTo([{ ...question, parent: "a" }, answer], "a").map(({ id }) => id)).toEqual(["q", "a"]);
    expect(pathTo([], null)).toEqual([]);
  });
});

describe("a title", () => {
  it.each([
    ["Hello", "Hello"],
    ["# Plan\nfor tomorrow", "Plan"],
    ["   ", "Untitled"],
    [`${"word ".repeat(20)}`, `${"word ".repeat(12).trim()}…`],
  ])("of %j is %j", (text, title) => expect(titleOf(text)).toBe(title));
});
