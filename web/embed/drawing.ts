// The two drawings of the element, made node by node: a page with Trusted Types lets nobody write HTML.

const SVG = "http://www.w3.org/2000/svg";

/** The young llama's head of the app's icon, in one colour, in a lighter disc. */
export function llama(): SVGSVGElement {
  const body =
    "M84 540c-8-52 4-92 22-122-16-24-8-56 12-70-12-28-2-60 20-74-8-34 6-66 28-88-28-38-40-92-18-130 5-9 15-10 21-2 24 32 38 70 38 106l48-12c-12-42-8-82 14-104 7-6 15-2 17 7 11 38 7 80-6 112 24 10 46 24 62 46 15 21 36 29 59 38 27 10 42 30 40 55-2 30-26 49-59 51-30 2-54-2-76-5 0 40 12 66 28 92 24 36 36 76 36 122v-22z";
  return drawing("0 0 512 512", [
    { d: "M256 0a256 256 0 1 1 0 512 256 256 0 0 1 0-512z", "fill-opacity": ".16" },
    { d: body, transform: "translate(58 86) scale(.78)" },
    { d: "M298 200a20 24 0 1 0 1 0z", transform: "translate(58 86) scale(.78)", fill: "var(--cria-accent, var(--accent))" },
  ]);
}

/** A cross: closes. */
export function cross(): SVGSVGElement {
  return drawing("0 0 24 24", [
    { d: "M6 6l12 12M18 6L6 18", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round" },
  ]);
}

function drawing(box: string, paths: readonly Readonly<Record<string, string>>[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("fill", "currentColor");
  svg.setAttribute("aria-hidden", "true");
  for (const attributes of paths) {
    const path = document.createElementNS(SVG, "path");
    for (const [name, value] of Object.entries(attributes)) path.setAttribute(name, value);
    svg.append(path);
  }
  return svg;
}
