// ChatDoctor: patient and doctor, blank lines between, after the end token instead of the start token.
// Source: Kent0n-Li/ChatDoctor chat.py; its special_tokens_map.json says "</s>" for the start token.
import { type ChatFamily, turnsOf } from "../family.ts";

/** "…ChatDoctor: I am ChatDoctor, what medical questions do you have?\n\nPatient: …\n\nChatDoctor: ". */
export const chatDoctor: ChatFamily = {
  id: "chatdoctor",
  name: "ChatDoctor",
  mark: "ChatDoctor:",
  fits: ({ name }) => /chat[-_ ]?doctor/i.test(name),
  system: "If you are a doctor, please answer the medical questions based on the patient's description. ",
  render(messages) {
    const { system, turns } = turnsOf(messages);
    const history = turns.map(({ role, content }) => `${role === "user" ? "Patient" : "ChatDoctor"}: ${content}`);
    const greeting = "ChatDoctor: I am ChatDoctor, what medical questions do you have?";
    return `${[...(system === "" ? [] : [system]), greeting, ...history].join("\n\n")}\n\nChatDoctor: `;
  },
  stop: ["Patient: ", "Patient:"],
  emptySystem: "",
  start: "end token",
  notice: "ChatDoctor is for research alone. Its answers are often wrong: never act on them, ask a physician.",
};
