// A model's Markdown as safe HTML. Two walls: HTML a model writes is shown as text, and what we render is sanitized all the same.
import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";

/** A piece of a rendered answer. Code stands alone so that it can be coloured and copied. */
export type Block =
  { readonly kind: "html"; readonly html: string } | { readonly kind: "code"; readonly language: string; readonly code: string };

const TAGS = [
  "a",
  "b",
  "blockquote",
  "br",
  "code",
  "del",
  "em",
  "h3",
  "h4",
  "h5",
  "h6",
  "hr",
  "i",
  "ins",
  "kbd",
  "li",
  "mark",
  "ol",
  "p",
];
const MORE_TAGS = [
  "pre",
  "s",
  "small",
  "span",
  "strong",
  "sub",
  "sup",
  "table",
  "tbody",
  "td",
  "th",
  "thead",
  "tr",
  "u",
  "ul",
  "div",
];
const ATTRIBUTES = ["href", "target", "rel", "title", "start", "align", "class", "tabindex"];
const HARMLESS = /&lt;(\/?(?:br|sub|sup|kbd|mark|u|s|b|i|em|strong|small|del|ins))\s*\/?&gt;/gi;

/** Level of the heading above what is being rendered. */
let level = 2;

const marked = new Marked({
  gfm: true,
  breaks: true, // models end lines where they mean it
  renderer: {
    // h1 and h2 belong to the page: an answer's headings start at h3 and never skip a level, whatever the model skips
    heading({ tokens, depth }) {
      level = Math.min(6, depth + 2, level + 1);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    link({ href, tokens }) {
      const target = safeTarget(href);
      const text = this.parser.parseInline(tokens);
      if (!target) return text;
      // the real host is always to be seen: a link's text may claim another
      const place = target.protocol === "mailto:" ? target.pathname : target.host;
      const shown = text.includes(place) ? "" : ` <span class="host">(${escape(place)})</span>`;
      return `<a href="${escape(target.href)}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>${shown}`;
    },
    // no picture is ever fetched: its description links to where it is
    image({ href, text }) {
      const target = safeTarget(href);
      const name = escape(text || "image");
      if (!target) return name;
      return `<a href="${escape(target.href)}" target="_blank" rel="noopener noreferrer nofollow">${name}</a> <span class="host">(picture at ${escape(target.host)}, not loaded)</span>`;
    },
    html({ text, block }: Tokens.HTML | Tokens.Tag) {
      const shown = escape(text.trimEnd()).replace(HARMLESS, "<$1>");
      return block ? `<p>${shown.replace(/\n/g, "<br>")}</p>` : shown;
    },
    table(token) {
      const row = (cells: Tokens.TableCell[], tag: string): string =>
        `<tr>${cells.map((cell) => `<${tag}${cell.align ? ` align="${cell.align}"` : ""}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("")}</tr>`;
      const body = token.rows.map((cells) => row(cells, "td")).join("");
      // focusable, because a wide table scrolls within itself
      return `<div class="wide" tabindex="0"><table><thead>${row(token.header, "th")}</thead><tbody>${body}</tbody></table></div>`;
    },
    code({ text }) {
      return `<pre tabindex="0"><code>${escape(text)}</code></pre>`;
    },
    checkbox({ checked }) {
      return checked ? "☑ " : "☐ ";
    },
  },
});

/** Everything but what a rendered answer needs is taken out: tags, attributes, addresses other than http, https and mailto. */
export function sanitize(html: string): string {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: [...TAGS, ...MORE_TAGS],
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
    ADD_ATTR: ["target"],
    // the rest of the attributes hold no address, and would fail the test of one
    ADD_URI_SAFE_ATTR: ATTRIBUTES.filter((name) => name !== "href"),
  });
}

/**
 * Reads a growing text block by block: what is finished is never read again, so the cost of a token does not grow with the answer.
 */
export class BlockReader {
  readonly #finished: Block[] = [];
  /** Where the last block starts: all before it is finished. */
  #from = 0;
  /** Level of the last heading before that. */
  #level = 2;

  /** The blocks of `text` (lines ended by \n), which continues the text of the call before. Blocks that did not change are the same objects. */
  read(text: string, ended: boolean): Block[] {
    const tail = text.slice(this.#from);
    const tokens = marked.lexer(tail).filter((token) => token.raw.length > 0);
    let last = tokens.length - 1;
    while (last > 0 && tokens[last].type === "space") last--; // a list may go on after an empty line
    level = this.#level;
    for (const token of tokens.slice(0, ended ? tokens.length : Math.max(0, last))) {
      this.#finished.push(...blockOf(token));
      this.#from += token.raw.length;
      this.#level = level;
    }
    if (ended || last < 0) return [...this.#finished];
    return [...this.#finished, ...mended(tokens[last]).flatMap(blockOf)];
  }
}

/** A whole text at once. */
export function renderMarkdown(text: string): Block[] {
  return new BlockReader().read(text.replace(/\r\n?/g, "\n"), true);
}

/** Closes what is still being written: bold text looks bold from its first letter on, and half a link is only its text. */
function mended(token: Token): Token[] {
  if (token.type === "code") return [token];
  let raw = token.raw.replace(/\[([^\]\n]*)\]\([^)\s]*$/, "$1").replace(/(?<!\*)\*{1,2}$/, "");
  if (count(raw, "`") % 2 === 1) raw += "`";
  if (count(raw, "**") % 2 === 1) raw = raw.trimEnd() + "**";
  return raw === token.raw ? [token] : marked.lexer(raw);
}

function count(text: string, sign: string): number {
  return text.split(sign).length - 1;
}

function blockOf(token: Token): Block[] {
  if (token.type === "space" || token.type === "def") return [];
  if (token.type === "code") return [{ kind: "code", language: languageOf(token.lang), code: String(token.text) }];
  return [{ kind: "html", html: sanitize(marked.parser([token])).trimEnd() }];
}

function languageOf(info: unknown): string {
  const word = typeof info === "string" ? info.trim().split(/\s/)[0] : "";
  return /^[\w+#.-]{1,20}$/.test(word) ? word.toLowerCase() : "";
}

function safeTarget(href: string): URL | null {
  if (!/^(https?:\/\/|mailto:)/i.test(href) || !URL.canParse(href)) return null; // relative addresses would lead into the app
  return new URL(href);
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");
}
