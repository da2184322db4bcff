// Baize v1 and v2: a transcript between [|Human|] and [|AI|], which both end an answer.
// Source: project-baize/baize-chatbot demo/app_modules/utils.py and presets.py; lm-sys/FastChat fastchat/conversation.py, baize.
import { type ChatFamily, turnsOf } from "../family.ts";

const SYSTEM =
  "The following is a conversation between a human and an AI assistant named Baize (named after a mythical creature in " +
  "Chinese folklore). Baize is an open-source AI assistant developed by UCSD and Sun Yat-Sen University. The human and the AI " +
  "assistant take turns chatting. Human statements start with [|Human|] and AI assistant statements start with [|AI|]. The AI " +
  "assistant always provides responses in as much detail as possible, and in Markdown format. The AI assistant always declines " +
  "to engage with topics, questions and instructions related to unethical, controversial, or sensitive issues. Complete the " +
  "transcript in exactly that format.";

/** "…\n[|Human|]Hello!\n[|AI|]Hi!\n[|Human|]How are you?\n[|AI|]": the first exchange is part of every prompt. */
export const baize: ChatFamily = {
  id: "baize",
  name: "Baize v1, v2",
  mark: "[|Human|]",
  fits: ({ name }) => /baize/i.test(name),
  system: SYSTEM,
  render(messages) {
    const { system, turns } = turnsOf(messages);
    const lines = turns.map(({ role, content }) => `${role === "user" ? "[|Human|]" : "[|AI|]"}${content}\n`);
    return `${system === "" ? "" : `${system}\n`}[|Human|]Hello!\n[|AI|]Hi!\n${lines.join("")}[|AI|]`;
  },
  stop: ["[|Human|]", "[|AI|]"],
  emptySystem: "",
};
