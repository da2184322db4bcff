// From messages to the tokens of a prompt: with the file's own template, else in the common format that fits the file best.
import { EngineError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { ChatMessage, ChatTool } from "../base/openai.ts";
import type { PromptFormat } from "../base/wire.ts";
import { writtenOut, type ToolConvention } from "../tools/convention.ts";
import { CONVENTIONS } from "../tools/index.ts";
import type { ChatFamily, ChatFile } from "./family.ts";
import { FAMILIES } from "./index.ts";
import { runTemplate } from "./jinja.ts";

/** How one model wants to be talked to. */
export interface Template {
  /** For people: "the file's own template", or which format is used instead and why. */
  readonly name: string;
  /** The format's id; "template" for the file's own. */
  readonly format: string;
  /** What a person should be told before they believe an answer; null where there is nothing. */
  readonly notice: string | null;
  /** Texts that end an answer besides the model's end tokens: those of its format that are no tokens of their own. */
  readonly stop: readonly string[];
  /** Tokens of the prompt, up to where the answer begins. What a user typed is text, even where it looks like a special token. */
  render(messages: readonly ChatMessage[], tools?: ToolOffer): number[];
  /** The same as text, special tokens spelled out; what `guard` put in is still there. */
  renderText(messages: readonly ChatMessage[], tools?: ToolOffer): string;
  /** How the model writes the functions it calls. */
  readonly convention: ToolConvention;
  /** The same model asked in another format, by its id, or by "template"; null for what fits the file best. Throws `bad_request`. */
  as(format: string | null): Template;
}

/** Functions a model is told of. `opened`: the answer has to call one, and begins after what opens a call. */
export interface ToolOffer {
  readonly tools: readonly ChatTool[];
  readonly opened: boolean;
}

/** What a template needs of a tokenizer. */
export interface PromptTokenizer {
  readonly bos: number | null;
  readonly eos: number | null;
  readonly addBos: boolean;
  /** Texts of the tokens that are no part of a text. */
  readonly specialTexts: readonly string[];
  /** Dropped by `encode` after it has looked for special tokens. */
  readonly guard: string;
  encode(text: string, options: { readonly bos: boolean; readonly special: boolean }): number[];
  piece(id: number, options: { readonly special: boolean }): Uint8Array;
}

/** Every format there is, besides files' own templates. */
export const FORMATS: readonly PromptFormat[] = FAMILIES.map(({ id, name }) => ({ id, name }));

/**
 * Reads how a file's model wants to be talked to. A template that cannot be used is named in `name`, and does without. `fileName` counts
 * beside the name in the file: many conversions say "LLaMA v2" of whatever they hold.
 */
export function createTemplate(metadata: Metadata, tokenizer: PromptTokenizer, fileName = ""): Template {
  const textOf = (id: number | null): string =>
    id === null ? "" : new TextDecoder().decode(tokenizer.piece(id, { special: true }));
  const file: ChatFile = {
    template: metadata.text("tokenizer.chat_template"),
    name: `${metadata.text("general.name") ?? ""} ${fileName}`,
    bos: textOf(tokenizer.bos),
    eos: textOf(tokenizer.eos),
    specials: tokenizer.specialTexts,
  };
  const chosen = familyOf(metadata.text(FAMILY_KEY));
  return chosen ? new FileTemplate(file, tokenizer, chosen) : new FileTemplate(file, tokenizer, null);
}

/** Where a conversion of ours keeps the format that was chosen for it. */
const FAMILY_KEY = "cria.chat_family";

function familyOf(id: string | null): ChatFamily | null {
  return FAMILIES.find((family) => family.id === id) ?? null;
}

class FileTemplate implements Template {
  private readonly family: ChatFamily;
  /** Whether the file's own template is to be used and runs at all. */
  private readonly usable: boolean;
  /** Why the file's own template was not used the last time; null where it was. */
  private problem: string | null;

  /** `chosen` is the format that somebody asked for; null leaves the choice to the file. */
  constructor(
    private readonly file: ChatFile,
    private readonly tokenizer: PromptTokenizer,
    private readonly chosen: ChatFamily | null,
  ) {
    const marked = FAMILIES.find(({ mark }) => mark !== null && file.template?.includes(mark));
    this.family = chosen ?? marked ?? FAMILIES.find((family) => family.fits(file))!; // the last one fits any
    this.problem = file.template === null ? "the file has no template" : null;
    this.usable = chosen === null && file.template !== null && this.runOwn([{ role: "user", content: "Hello" }]) !== null;
  }

  get name(): string {
    if (this.chosen) return this.chosen.name;
    return this.problem === null ? "the file's own template" : `${this.family.name} (${this.problem})`;
  }

  get format(): string {
    return this.usable ? "template" : this.family.id;
  }

  get notice(): string | null {
    return this.family.notice ?? null;
  }

  get stop(): readonly string[] {
    return this.family.stop.filter((stop) => !this.file.specials.includes(stop));
  }

  as(format: string | null): Template {
    if (format === null) return this;
    const chosen = familyOf(format);
    if (!chosen && format !== "template") {
      const known = FAMILIES.map(({ id }) => id).join(", ");
      throw new EngineError("bad_request", `There is no prompt format "${format}".`, `Choose "template", or one of: ${known}.`);
    }
    return new FileTemplate(this.file, this.tokenizer, chosen);
  }

  get convention(): ToolConvention {
    const template = this.usable ? (this.file.template ?? "") : "";
    return CONVENTIONS.find(({ marks }) => marks.some((mark) => template.includes(mark)))!; // the last one fits any
  }

  render(messages: readonly ChatMessage[], offer: ToolOffer = NO_TOOLS): number[] {
    const { tokenizer } = this;
    const text = this.renderText(messages, offer);
    if (this.usable || this.family.start !== "end token" || tokenizer.eos === null) {
      return tokenizer.encode(text, { bos: tokenizer.addBos, special: true });
    }
    return [tokenizer.eos, ...tokenizer.encode(text, { bos: false, special: true })];
  }

  renderText(messages: readonly ChatMessage[], { tools, opened }: ToolOffer = NO_TOOLS): string {
    const guarded = messages.map((message) =>
      message.role === "user" || message.role === "tool" ? { ...message, content: this.guard(message.content) } : message,
    );
    const tail = opened ? this.convention.open : "";
    const plain = writtenOut(guarded, tools);
    if (this.usable) {
      // A template that knows of functions writes them as its models have learned to read them.
      const known =
        /\btools\b/.test(this.file.template ?? "") && (tools.length > 0 || guarded.some(({ role }) => role === "tool"));
      const attempts: { messages: readonly ChatMessage[]; tools: readonly ChatTool[] }[] = known
        ? [{ messages: guarded, tools }]
        : [];
      attempts.push({ messages: plain, tools: [] }, { messages: withoutSystem(plain), tools: [] });
      for (const attempt of attempts) {
        const text = this.runOwn(attempt.messages, attempt.tools);
        if (text !== null) return text + tail;
      }
    }
    return this.family.render(this.withSystem(plain), this.file) + tail;
  }

  /** The conversation with the family's own system message, where it has none and was not told to do without. */
  private withSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    const { system } = this.family;
    if (isSilenced(messages)) return messages.slice(1);
    return system === "" || messages[0]?.role === "system" ? messages : [{ role: "system", content: system }, ...messages];
  }

  /** The file's template on these messages; null where it fails or refuses them, which `problem` then tells. */
  private runOwn(messages: readonly ChatMessage[], tools: readonly ChatTool[] = []): string | null {
    const { template, bos, eos } = this.file;
    const variables = {
      messages: messages.map(forTemplate),
      bos_token: bos,
      eos_token: eos,
      add_generation_prompt: true,
      tools: tools.length > 0 ? tools : null,
      documents: null,
    };
    try {
      const text = runTemplate(template ?? "", variables, new Date());
      this.problem = null;
      return isSilenced(messages) ? text.replace(this.family.emptySystem, "") : text;
    } catch (error) {
      this.problem = EngineError.record(error).message;
      return null;
    }
  }

  /** Breaks up what reads like a special token, so that nobody can end their turn by typing it. */
  private guard(content: string): string {
    const { guard, specialTexts } = this.tokenizer;
    return specialTexts.reduce((text, special) => text.replaceAll(special, special[0] + guard + special.slice(1)), content);
  }
}

const NO_TOOLS: ToolOffer = { tools: [], opened: false };

/** As templates expect a call: its arguments as an object. */
function forTemplate(message: ChatMessage): object {
  if (!message.tool_calls) return message;
  const calls = message.tool_calls.map((call) => {
    const given: unknown = JSON.parse(call.function.arguments);
    return { ...call, function: { ...call.function, arguments: given } };
  });
  return { ...message, tool_calls: calls };
}

/** Whether the caller asked for no system prompt at all, not even the template's own. */
function isSilenced(messages: readonly ChatMessage[]): boolean {
  return messages[0]?.role === "system" && messages[0].content === "";
}

/** The same for templates that refuse a system message: it goes in front of the first question. */
function withoutSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const [system, first, ...rest] = messages;
  if (system?.role !== "system") return messages;
  if (!first) return [];
  const content = system.content === "" ? first.content : `${system.content}\n\n${first.content}`;
  return [{ ...first, content }, ...rest];
}
