// A page's colours are worn as long as everything stays readable, and never fetch or reach into anything.
import { describe, expect, it } from "vitest";
import { accentForText, contrast, readTheme, type Colour, type ColourReader } from "../../../web/embed/theme.ts";

/** "#rrggbb" is all that these tests need. */
const read: ColourReader = (css) => {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(css);
  return match ? [parseInt(match[1]!, 16), parseInt(match[2]!, 16), parseInt(match[3]!, 16)] : null;
};

describe("a theme", () => {
  it("is worn where it can be read", () => {
    const wishes = {
      background: "#ffffff",
      text: "#222222",
      accent: "#0a5c36",
      radius: "6px",
      font: "Georgia, 'Iowan Old Style', serif",
    };
    expect(readTheme(wishes, read)).toEqual({
      properties: {
        "--page": "rgb(255 255 255)",
        "--ink": "rgb(34 34 34)",
        "--button": "rgb(10 92 54)",
        "--on-button": "#fff",
        "--round": "6px",
        "--text": "Georgia, 'Iowan Old Style', serif",
        "--display": "Georgia, 'Iowan Old Style', serif",
      },
      refused: [],
    });
  });

  it("hides nothing: text that can't be read on its ground is refused with it", () => {
    const { properties, refused } = readTheme({ background: "#ffffff", text: "#eeeeee" }, read);
    expect(properties).toEqual({});
    expect(refused).toEqual(["background", "text"]);
  });

  it("takes no background without a text, nor a text without a background", () => {
    expect(readTheme({ background: "#000000" }, read).properties).toEqual({});
    expect(readTheme({ text: "#ffffff" }, read).properties).toEqual({});
  });

  it("finds a colour to write on the accent where the page has none that can be read", () => {
    expect(readTheme({ accent: "#ffe14d" }, read).properties["--on-button"]).toBe("#141016");
    expect(readTheme({ accent: "#ffe14d", "on-accent": "#ffffff" }, read).properties["--on-button"]).toBe("#141016");
    expect(readTheme({ accent: "#ffe14d", "on-accent": "#3a2a00" }, read).properties["--on-button"]).toBe("rgb(58 42 0)");
  });

  it("writes links in the accent only where they can be read", () => {
    expect(accentForText([10, 92, 54], [255, 255, 255])).toBe("rgb(10 92 54)");
    expect(accentForText([255, 225, 77], [255, 255, 255])).toBeNull();
  });

  it.each([
    ["accent", "url(https://evil.example/x)"],
    ["accent", "red; background: url(https://evil.example)"],
    ["accent", "#12345"],
    ["radius", "calc(1px + 2em)"],
    ["radius", "100px"],
    ["font", "x; color: red"],
    ["font", "url(https://evil.example/font.woff2)"],
    ["font", "x} * { display: none"],
  ] as const)("refuses %s: %s", (name, value) => {
    expect(readTheme({ [name]: value }, read)).toEqual({ properties: {}, refused: [name] });
  });

  it("measures contrast as WCAG does", () => {
    const [black, white, grey]: Colour[] = [
      [0, 0, 0],
      [255, 255, 255],
      [118, 118, 118],
    ];
    expect(contrast(black!, white!)).toBe(21);
    expect(contrast(white!, grey!)).toBeCloseTo(4.54, 2);
  });
});
