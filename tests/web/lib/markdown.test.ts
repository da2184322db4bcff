// What a model may write, and what becomes of it: nothing in an answer runs, loads, submits or leads astray.
import { describe, expect, it } from "vitest";
import { BlockReader, renderMarkdown, sanitize, type Block } from "../../../web/lib/markdown.ts";
import { HOSTILE } from "./hostile.ts";

/** Everything of a document that could act. */
const ACTIVE =
  'script, style, iframe, frame, object, embed, applet, link, meta, base, form, input, button, textarea, select, option, svg, math, img, picture, video, audio, source, track, canvas, template, slot, portal, dialog, details, marquee, noscript, [style], [id], [name], [src], [srcset], [action], [formaction], [background], [ping], [autofocus], [contenteditable], [is]:not([is=""])';

function documentOf(html: string): Document {
  return new DOMParser().parseFromString(`<body>${html}</body>`, "text/html");
}

function htmlOf(blocks: readonly Block[]): string {
  return blocks.map((block) => (block.kind === "html" ? block.html : "")).join("");
}

function dangers(html: string): string[] {
  const body = documentOf(html).body;
  const elements = [...body.querySelectorAll("*")];
  return [
    ...[...body.querySelectorAll(ACTIVE)].map((element) => element.outerHTML),
    ...elements.flatMap(({ attributes }) => [...attributes].filter(({ name }) => name.startsWith("on")).map(({ name }) => name)),
    ...[...body.querySelectorAll("[href]")]
      .map((link) => link.getAttribute("href")!)
      .filter((href) => !/^(https?:\/\/|mailto:)/.test(href)),
  ];
}

describe("a hostile answer", () => {
  it("comes in more than sixty kinds", () => expect(HOSTILE.length).toBeGreaterThan(60));

  it.each(HOSTILE)("does nothing as Markdown: %s", (payload) => {
    expect(dangers(htmlOf(renderMarkdown(payload)))).toEqual([]);
  });

  it.each(HOSTILE)("does nothing past the sanitizer alone: %s", (payload) => {
    expect(dangers(sanitize(payload))).toEqual([]);
  });

  it.each(HOSTILE)("does nothing while it is being written: %s", (payload) => {
    const reader = new BlockReader();
    const step = Math.ceil(payload.length / 8);
    for (let end = step; end < payload.length + step; end += step) {
      expect(dangers(htmlOf(reader.read(payload.slice(0, end), end >= payload.length)))).toEqual([]);
    }
  });
});

describe("Markdown", () => {
  it("opens links in a new tab, cut off from this one, and shows where they lead", () => {
    const link = documentOf(htmlOf(renderMarkdown("[my bank](https://evil.example/login)"))).querySelector("a")!;
    expect(link.target).toBe("_blank");
    expect(link.rel).toBe("noopener noreferrer nofollow");
    expect(link.parentElement!.textContent).toBe("my bank (evil.example)");
  });

  it("does not repeat the host of a link that is its own text", () => {
    expect(documentOf(htmlOf(renderMarkdown("https://example.org/a"))).body.textContent).toBe("https://example.org/a");
  });

  it("shows a picture as a link and fetches nothing", () => {
    const body = documentOf(htmlOf(renderMarkdown("![a cat](https://example.org/cat.png)"))).body;
    expect(body.querySelector("img")).toBeNull();
    expect(body.textContent).toBe("a cat (picture at example.org, not loaded)");
  });

  it("shows HTML as what was written, but for a few harmless tags", () => {
    const html = htmlOf(renderMarkdown("a <b>bold</b> <blink>word</blink>"));
    expect(documentOf(html).body.textContent).toBe("a bold <blink>word</blink>");
    expect(html).toContain("<b>bold</b>");
  });

  it("starts headings below those of the page, and skips no level", () => {
    expect(htmlOf(renderMarkdown("# One\n\n## Two\n\n# Three"))).toBe("<h3>One</h3><h4>Two</h4><h3>Three</h3>");
    expect(htmlOf(renderMarkdown("### One\n\n###### Two"))).toBe("<h3>One</h3><h4>Two</h4>");
  });

  it("keeps the alignment of table columns", () => {
    const cells = documentOf(htmlOf(renderMarkdown("| a | b |\n|---|--:|\n| 1 | 2 |"))).querySelectorAll("td");
    expect([...cells].map((cell) => cell.getAttribute("align"))).toEqual([null, "right"]);
  });

  it("gives code as text with its language", () => {
    expect(renderMarkdown("```Python\nprint('<b>')\n```")).toEqual([{ kind: "code", language: "python", code: "print('<b>')" }]);
  });

  it("takes a language that is no word for none", () => {
    expect(renderMarkdown('```"><script>\nx\n```')).toEqual([{ kind: "code", language: "", code: "x" }]);
  });
});

describe("a growing text", () => {
  const TEXT = [
    "# A list\n\n- one\n- two\n\n  still two\n\n1. three\n\nText with `code`,\nand *more*.\n\n",
    "```js\nconst a = 1;\n\n\nlet b;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\nlazily\n\nTitle\n===\n\nEnd\r\nof it",
  ].join("");

  it("comes out the same, piece by piece or at once", () => {
    const normal = TEXT.replace(/\r\n/g, "\n");
    for (const step of [1, 2, 7, 40]) {
      const reader = new BlockReader();
      let blocks: Block[] = [];
      for (let end = step; end < normal.length + step; end += step)
        blocks = reader.read(normal.slice(0, end), end >= normal.length);
      expect(blocks).toEqual(renderMarkdown(TEXT));
    }
  });

  it.each([
    ["It is **bo", "<p>It is <strong>bo</strong></p>"],
    ["It is **", "<p>It is </p>"],
    ["Call `print", "<p>Call <code>print</code></p>"],
    ["See [the docs](https://exa", "<p>See the docs</p>"],
  ])("looks from the start as it will in the end: %s", (text, html) => {
    expect(htmlOf(new BlockReader().read(text, false))).toBe(html);
  });

  it("keeps finished blocks as the same objects", () => {
    const reader = new BlockReader();
    const [first] = reader.read("One.\n\nTwo", false);
    expect(reader.read("One.\n\nTwo and more.\n\nThree", false)[0]).toBe(first);
  });

  it("costs no more at its end than at its start", () => {
    const reader = new BlockReader();
    const paragraph = "Some **words** and a [link](https://example.org/), then `code` to the end of it.\n\n";
    const timeOf = (from: number, to: number): number => {
      const start = performance.now();
      for (let count = from; count < to; count++) reader.read(paragraph.repeat(count), false);
      return performance.now() - start;
    };
    timeOf(1, 40); // warm-up
    const early = timeOf(40, 80);
    reader.read(paragraph.repeat(600), false);
    const late = timeOf(600, 640);
    expect(late).toBeLessThan(early * 5 + 20); // re-reading all of it would take about ten times as long
  });
});
