// Prompt families: byte for byte what FastChat's conversation.py renders, or what the project's own code does where that differs.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../../../../workers/engine/base/openai.ts";
import { createTemplate, FORMATS, type Template } from "../../../../workers/engine/chat/template.ts";
import { createTokenizer } from "../../../../workers/engine/text/tokenizer.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { memoryMetadata } from "../text/metadata.ts";

const ONE: ChatMessage[] = [{ role: "user", content: "Hello!" }];
const TWO: ChatMessage[] = [...ONE, { role: "assistant", content: "Hi!" }, { role: "user", content: "How are you?" }];
const POLITE: ChatMessage = { role: "system", content: "You are a helpful, respectful and honest assistant." };

interface Golden {
  readonly prompts: { readonly "1turn": string; readonly "2turn": string };
  readonly stop_str: string | null;
}

const PROMPTS = GOLDEN && join(GOLDEN, "prompts.json");

describe.skipIf(!PROMPTS || !existsSync(PROMPTS))("as FastChat renders it", () => {
  const golden = (PROMPTS ? JSON.parse(readFileSync(PROMPTS, "utf8")) : {}) as Record<string, Golden>;

  // Its Llama 2 and 3 were given a system message; the start token is the tokenizer's to add.
  it.each<[string, string, readonly ChatMessage[], string]>([
    ["vicuna-v0", "zero_shot", [], ""],
    ["vicuna-v0-one-shot", "one_shot", [], ""],
    ["vicuna-v1.1", "vicuna_v1.1", [], ""],
    ["koala", "koala_v1", [], ""],
    ["alpaca-fastchat", "alpaca", [], ""],
    ["baize", "baize", [], ""],
    ["gpt4all-snoozy", "snoozy", [], ""],
    ["llama-2", "llama-2", [POLITE], ""],
    ["llama-3", "llama-3", [POLITE], "<|begin_of_text|>"],
    ["mistral", "mistral", [], ""],
  ])("%s", (format, name, system, start) => {
    const template = file("").as(format);
    const { prompts, stop_str: stop } = golden[name]!;
    expect(start + template.renderText([...system, ...ONE])).toBe(prompts["1turn"]);
    expect(start + template.renderText([...system, ...TWO])).toBe(prompts["2turn"]);
    if (stop !== null) expect(template.stop.some((text) => stop.startsWith(text) || text.startsWith(stop))).toBe(true);
  });
});

describe("as the project's own code has it", () => {
  const HEAD = "Below is an instruction that describes a task";
  const TAIL = "Write a response that appropriately completes the request.\n\n";

  it("alpaca, without and with an input", () => {
    const template = file("").as("alpaca");
    expect(template.renderText(ONE)).toBe(`${HEAD}. ${TAIL}### Instruction:\nHello!\n\n### Response:`);
    expect(template.renderText([{ role: "system", content: "Translate to French." }, ...ONE])).toBe(
      `${HEAD}, paired with an input that provides further context. ${TAIL}` +
        "### Instruction:\nTranslate to French.\n\n### Input:\nHello!\n\n### Response:",
    );
  });

  it("alpaca-lora, with a line break before the response", () => {
    expect(file("").as("alpaca-lora").renderText(ONE)).toBe(`${HEAD}. ${TAIL}### Instruction:\nHello!\n\n### Response:\n`);
  });

  it("gpt4all-lora and llama, the text alone", () => {
    expect(file("").as("gpt4all-lora").renderText(ONE)).toBe("Hello!\n");
    expect(file("").as("llama").renderText(ONE)).toBe("Hello!");
  });

  it("llama-adapter-v2, run together after its example", () => {
    const text = file("").as("llama-adapter-v2").renderText(ONE);
    expect(text).toMatch(/^A chat between a curious human .*questions\.###Human: What are the key differences between renewable/);
    expect(text).toMatch(/economic and social instability\.\n###Human: Hello!###Assistant:$/);
  });

  it("chatdoctor, after the end token, with a warning", () => {
    const template = file("").as("chatdoctor");
    const intro = "If you are a doctor, please answer the medical questions based on the patient's description. \n\n";
    const greeting = "ChatDoctor: I am ChatDoctor, what medical questions do you have?";
    expect(template.renderText(TWO)).toBe(
      `${intro}${greeting}\n\nPatient: Hello!\n\nChatDoctor: Hi!\n\nPatient: How are you?\n\nChatDoctor: `,
    );
    const ids = template.render(ONE);
    expect(ids[0]).toBe(1); // </s>
    expect(ids.slice(1)).not.toContain(0); // and no <s>
    expect(template.notice).toMatch(/ask a physician/);
  });
});

describe("the format of a file", () => {
  it.each([
    ["llama-7b", "llama"],
    ["alpaca-7b-wdiff", "alpaca"],
    ["tloen alpaca-lora-7b", "alpaca-lora"],
    ["vicuna-13b-delta-v0", "vicuna-v0"],
    ["vicuna-7b-v1.5-16k", "vicuna-v1.1"],
    ["koala-13b", "koala"],
    ["baize-v2-7b", "baize"],
    ["gpt4all-lora", "gpt4all-lora"],
    ["GPT4All 13B Snoozy", "gpt4all-snoozy"],
    ["llama_adapter_len10_layer30_release", "alpaca"],
    ["LLaMA-Adapter V2 65B", "llama-adapter-v2"],
    ["ChatDoctor", "chatdoctor"],
    ["Llama-2-7b-chat-hf", "llama-2"],
    ["Mistral-7B-Instruct-v0.1", "mistral"],
    ["something else", "dialogue"],
  ])("is recognized by the name %s: %s", (name, format) => {
    expect(file(name).format).toBe(format);
    expect(file("LLaMA v2", {}, `${name}.Q4_0.gguf`).format).toBe(format); // conversions say this of anything
  });

  it("is what a conversion was told, whatever its name", () => {
    expect(file("vicuna", { "cria.chat_family": "koala" }).format).toBe("koala");
  });

  it("is the file's own template, unless another is asked for", () => {
    const own = file("vicuna", { "tokenizer.chat_template": "{{ messages[0].content }}!" });
    expect(own.format).toBe("template");
    expect(own.renderText(ONE)).toBe("Hello!!");
    expect(own.as("koala").renderText(ONE)).toBe("BEGINNING OF CONVERSATION: USER: Hello! GPT:");
    expect(own.as("koala").as("template").renderText(ONE)).toBe("Hello!!");
    expect(() => own.as("nonsense")).toThrow(/no prompt format "nonsense"/);
  });

  it("does without a system message where an empty one says so", () => {
    for (const { id } of FORMATS) {
      const text = file("")
        .as(id)
        .renderText([{ role: "system", content: "" }, ...ONE]);
      expect(text).toContain("Hello!");
      expect(text).not.toMatch(/<<SYS>>|<\|im_start\|>system|helpful, detailed|named Baize/);
    }
  });
});

/** A file with a byte for every ASCII character, <s> as token 0, </s> as token 1. */
function file(name: string, more: Record<string, string> = {}, fileName = ""): Template {
  const characters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i));
  const vocab = ["<s>", "</s>", ...characters, "Ġ", "Ċ"];
  const metadata = memoryMetadata({
    "general.name": name,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": vocab,
    "tokenizer.ggml.token_type": vocab.map((_, id) => (id < 2 ? 3 : 1)),
    "tokenizer.ggml.merges": [],
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.ggml.add_bos_token": true,
    ...more,
  });
  return createTemplate(metadata, createTokenizer(metadata), fileName);
}
