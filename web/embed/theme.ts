// A page's colours, radius and font, believed only after a look: a theme may make the widget ugly, never unreadable, and never fetch.
import type { Config, ThemeName } from "./messages.ts";

/** Red, green, blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** WCAG 2.2, 1.4.3. */
const READABLE = 4.5;

/** Reads a CSS colour; null for what is none, or lets through what lies behind. */
export type ColourReader = (css: string) => Colour | null;

/** How the page's wishes come out: custom properties of the frame, and which of them were not granted. */
export interface Theme {
  readonly properties: Readonly<Record<string, string>>;
  readonly refused: readonly ThemeName[];
}

/** The theme of a page. Colours that can't be read on one another are refused together. */
export function readTheme(wishes: Config["theme"], read: ColourReader): Theme {
  const properties: Record<string, string> = {};
  const refused: ThemeName[] = [];
  const colour = (name: ThemeName): Colour | null => {
    const wish = wishes[name];
    const found = wish === undefined || !/^[\w\s#.,%()/-]{1,100}$/.test(wish) ? null : read(wish);
    if (wish !== undefined && !found) refused.push(name);
    return found;
  };
  const [background, text, accent, onAccent] = [colour("background"), colour("text"), colour("accent"), colour("on-accent")];
  if (background && text && contrast(background, text) >= READABLE) {
    properties["--page"] = css(background);
    properties["--ink"] = css(text);
  } else {
    if (background) refused.push("background");
    if (text) refused.push("text");
  }
  if (accent) {
    const best = contrast(accent, [255, 255, 255]) >= contrast(accent, [20, 16, 22]) ? "#fff" : "#141016";
    properties["--button"] = css(accent);
    properties["--on-button"] = onAccent && contrast(accent, onAccent) >= READABLE ? css(onAccent) : best;
  }
  const { radius, font } = wishes;
  if (radius !== undefined) {
    if (/^\d{1,2}(\.\d{1,3})?px$/.test(radius) || radius === "0") properties["--round"] = radius === "0" ? "0px" : radius;
    else refused.push("radius");
  }
  if (font !== undefined) {
    if (/^[\w\s"',-]{1,200}$/.test(font)) properties["--text"] = properties["--display"] = font;
    else refused.push("font");
  }
  return { properties, refused };
}

/** The accent as a colour of words on a background; null where it can't be read there. */
export function accentForText(accent: Colour, background: Colour): string | null {
  return contrast(accent, background) >= READABLE ? css(accent) : null;
}

/** Contrast of two colours as WCAG 2.2 defines it: 1 to 21. */
export function contrast(one: Colour, other: Colour): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Reads any colour the browser knows by painting one pixel of it. */
export function paintedColours(): ColourReader {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  return (css) => {
    if (!context || !CSS.supports("color", css) || /\b(?:var|env|attr)\s*\(/i.test(css)) return null;
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = css;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return alpha === 255 ? [red, green, blue] : null;
  };
}

function luminance(colour: Colour): number {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function css([red, green, blue]: Colour): string {
  return `rgb(${red} ${green} ${blue})`;
}
