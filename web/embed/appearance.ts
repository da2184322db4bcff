// What the widget takes from the page it stands in: its language, its light or dark, its custom properties, its words.
import { THEME, type ThemeName } from "./messages.ts";

/** The custom properties that the page's style sheets set for the element. */
export function themeOf(element: Element): Partial<Record<ThemeName, string>> {
  const style = getComputedStyle(element);
  const set = THEME.map((name) => [name, style.getPropertyValue(`--cria-${name}`).trim()] as const);
  return Object.fromEntries(set.filter(([, value]) => value !== "" && value.length <= 200));
}

/** Light or dark, as the page's `color-scheme` says; where it names both or neither, as the visitor's system. */
export function schemeOf(element: Element, theme: "auto" | "light" | "dark"): "light" | "dark" {
  if (theme !== "auto") return theme;
  const words = getComputedStyle(element).colorScheme.split(" ");
  if (words.includes("dark") !== words.includes("light")) return words.includes("dark") ? "dark" : "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** The language of the text around the element; "" where the page doesn't say. */
export function languageOf(element: Element): string {
  return element.closest("[lang]")?.getAttribute("lang") ?? "";
}

/** The text that a selector names, as it is read on the screen; "" where there is none. */
export function textAt(selector: string, longest: number): string {
  const text =
    selector === "selection"
      ? String(getSelection() ?? "")
      : [...find(selector)].map((element) => element.innerText).join("\n\n");
  return text.trim().slice(0, longest);
}

/** Calls `listener` whenever what the page looks like may have changed, until the result is called. */
export function watchAppearance(element: Element, listener: () => void): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(listener);
  const attributes = ["class", "style", "lang", "data-theme"];
  for (const place of [document.documentElement, document.body, element])
    observer.observe(place, { attributes: true, attributeFilter: attributes });
  dark.addEventListener("change", listener);
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", listener);
  };
}

function find(selector: string): Iterable<HTMLElement> {
  try {
    return document.querySelectorAll<HTMLElement>(selector);
  } catch {
    return []; // no selector at all
  }
}
