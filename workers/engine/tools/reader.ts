// Finds the calls in an answer as it is written: text goes on at once, calls are held until they are whole.
import type { ToolCall, ToolConvention } from "./convention.ts";

/** What some text came to. */
export interface Read {
  readonly text: string;
  readonly calls: readonly ToolCall[];
}

/** Reads one answer. `opened`: the prompt ended with what opens the calls. */
export class ToolReader {
  private held = "";
  private isCalling: boolean;
  private said = "";

  constructor(
    private readonly convention: ToolConvention,
    opened = false,
  ) {
    this.isCalling = opened;
  }

  /** The text that is certain to be text by now, and the calls that are whole. */
  push(text: string): Read {
    this.held += text;
    const calls: ToolCall[] = [];
    let plain = "";
    for (;;) {
      if (!this.isCalling) {
        const at = this.beginning();
        plain += this.say(at.text);
        if (!at.calls) return { text: plain, calls };
        this.isCalling = true;
      }
      const call = this.whole();
      if (!call) return { text: plain, calls };
      calls.push(...call);
    }
  }

  /** What was held back: calls if they can be read, else the text they were. */
  end(): Read {
    const { held } = this;
    this.held = "";
    if (!this.isCalling) return { text: held, calls: [] };
    const calls = this.parse(this.inside(held));
    return calls ? { text: "", calls } : { text: held, calls: [] };
  }

  /** Takes the text before the calls from `held`, as far as it is certain. */
  private beginning(): { text: string; calls: boolean } {
    const { held, said } = this;
    if (this.convention.followsText) {
      const tag = this.convention.open.trim();
      const at = held.indexOf(tag);
      const safe = at >= 0 ? at : held.length - overlap(held, tag);
      this.held = held.slice(safe);
      return { text: held.slice(0, safe), calls: at >= 0 };
    }
    if (said.trim() !== "") {
      this.held = "";
      return { text: held, calls: false };
    }
    const start = held.trimStart();
    const beginnings = this.convention.isList ? [this.convention.open, "[{"] : ['{"name', '{ "name', '{\n  "name'];
    if (beginnings.some((one) => start.startsWith(one))) return { text: "", calls: true };
    if (beginnings.some((one) => one.startsWith(start))) return { text: "", calls: false };
    this.held = "";
    return { text: held, calls: false };
  }

  /** Takes the next whole call from `held`, where calls have an end of their own; null as long as there is none. */
  private whole(): readonly ToolCall[] | null {
    const tag = this.convention.close.trim();
    const end = tag === "" ? -1 : this.held.indexOf(tag);
    if (end < 0) return null;
    const calls = this.parse(this.inside(this.held.slice(0, end)));
    if (!calls) return null; // no call after all: it is told as text in the end
    this.held = this.held.slice(end + tag.length).trimStart();
    this.isCalling = false;
    return calls;
  }

  private inside(text: string): string {
    const tag = this.convention.open.trim();
    const trimmed = text.trim();
    return tag !== "" && trimmed.startsWith(tag) ? trimmed.slice(tag.length) : trimmed;
  }

  private parse(text: string): ToolCall[] | null {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return null;
    }
    const calls = (Array.isArray(value) ? value : [value]).map((call: unknown) => this.callOf(call));
    return calls.length > 0 && calls.every((call) => call !== null) ? calls : null;
  }

  private callOf(value: unknown): ToolCall | null {
    if (typeof value !== "object" || value === null || !("name" in value) || typeof value.name !== "string") return null;
    const given: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(value));
    const args = given[this.convention.argumentsName] ?? given["arguments"] ?? {};
    return { name: value.name, arguments: typeof args === "string" ? args : JSON.stringify(args) };
  }

  private say(text: string): string {
    this.said += text;
    return text;
  }
}

/** How many characters at the end of a text could be the beginning of a tag. */
function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
