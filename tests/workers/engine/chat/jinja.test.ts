// Templates are programs of strangers: right ones run as in Python, wrong and endless ones end in an error.
import { describe, expect, it } from "vitest";
import { formatDate } from "../../../../workers/engine/chat/dates.ts";
import { runTemplate } from "../../../../workers/engine/chat/jinja.ts";

const NOON = new Date(2026, 2, 7, 12, 4, 5);
const MESSAGES = [
  { role: "system", content: "Be brief." },
  { role: "user", content: " Hi " },
];

describe("a chat template", () => {
  it.each([
    [
      "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}|{{ m.content | trim }}]{% endfor %}",
      "<s>[system|Be brief.][user|Hi]",
    ],
    ["{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{{ rest | length }}{% endif %}", "1"],
    ["{%- set ns = namespace(n=0) -%}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"],
    ["{% for i in range(3) %}{{ i }}{{ '' if loop.last else ',' }}{% endfor %}", "0,1,2"],
    ["{{ range(5, 0, -2) | join(' ') }}", "5 3 1"],
    ["{{ messages[1] | tojson }}", '{"role": "user", "content": " Hi "}'],
    ["{{ strftime_now('%d %b %Y') }}", "07 Mar 2026"],
    ["{% if tools is not none and tools %}tools{% else %}no tools{% endif %}", "no tools"],
    ["{% macro turn(m) %}<{{ m.role }}>{% endmacro %}{{ turn(messages[1]) }}", "<user>"],
    ["{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}", " Hi "],
    ["a\n{% if true %}\n  b\n{% endif %}\nc", "a\n  b\nc"],
    ["{% generation %}x{% endgeneration %}", "x"],
    ["{{ none is none and True and not False and missing is not defined }}", "true"],
  ])("runs %s", (template, text) => {
    expect(run(template)).toBe(text);
  });

  it.each([
    ["is cut off", "{% for m in messages %}{{ m.content }}", /cannot be used/],
    ["calls what is not there", "{{ nothing(1) }}", /cannot be used/],
    ["refuses the conversation", "{{ raise_exception('Roles must alternate') }}", /Roles must alternate/],
    ["counts without end", "{% for i in range(1000000000) %}{% endfor %}", /counts from 0 to 1000000000/],
    ["counts in no steps", "{% for i in range(0, 9, 0) %}{% endfor %}", /counts from 0 to 9/],
    ["nests loops", loops(4, "{% set x = 1 %}"), /more than 2,000,000 steps/],
    ["nests empty loops", loops(3, ""), /more than 2,000,000 steps/],
    ["doubles a text", `{% set s = 'ab' %}${"{% set s = s + s %}".repeat(40)}{{ s }}`, /a text of more than/],
    ["doubles a list", `{% set l = [1, 2] %}${"{% set l = l + l %}".repeat(40)}{{ l }}`, /a list of more than/],
    ["nests a list in itself", `{% set l = [1] %}${"{% set l = [l, l] %}".repeat(40)}{{ l | tojson }}`, /a list of more than/],
    [
      "nests an object in itself",
      `{% set l = {'a': 1} %}${"{% set l = {'a': l, 'b': l} %}".repeat(40)}{{ l | tojson }}`,
      /a list of more than/,
    ],
    ["nests loops over messages", "{% for a in messages %}".repeat(30) + "{% endfor %}".repeat(30), /more than 2,000,000 steps/],
    ["calls itself", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", /nests without end/],
  ])("that %s ends in an error", (_, template, message) => {
    const before = process.cpuUsage().user;
    expect(() => run(template)).toThrow(
      expect.objectContaining({ code: "bad_template", message: expect.stringMatching(message) as string }),
    );
    expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(10); // seconds; about one on an idle machine
  });

  it("may be long as long as it ends: 2,000 messages of 500 characters", () => {
    const messages = Array.from({ length: 2000 }, (_, i) => ({ role: i % 2 ? "assistant" : "user", content: "x".repeat(500) }));
    const template =
      "{% for m in messages %}{% if m.role == 'user' and loop.index0 != 1 %}{{ m.content }}{% endif %}{{ messages | length }}{% endfor %}";
    expect(runTemplate(template, { messages }, NOON)).toHaveLength(1000 * 500 + 2000 * 4);
  });
});

describe("dates in templates", () => {
  it("are English, as Python writes them", () => {
    expect(formatDate(NOON, "%A, %-d %B %Y %H:%M:%S %I %p %y %j %%")).toBe("Saturday, 7 March 2026 12:04:05 12 PM 26 %j %");
  });
});

function run(template: string): string {
  return runTemplate(template, { messages: MESSAGES, bos_token: "<s>", tools: null }, NOON);
}

function loops(depth: number, body: string): string {
  return "{% for i in range(90000) %}".repeat(depth) + body + "{% endfor %}".repeat(depth);
}
