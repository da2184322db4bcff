// Draws public/icons/*.png from public/icon.svg: `npx tsx web/cli/icons.ts`, after a change of the drawing.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { findBrowser } from "./browsers.ts";

const PUBLIC = join(import.meta.dirname, "../../public");

/** `inset`: part of the edge left around the drawing, for systems that cut icons into shapes; "rounded" keeps the drawing's own corners. */
const ICONS: readonly { readonly name: string; readonly pixels: number; readonly inset: number | "rounded" }[] = [
  { name: "icon-32.png", pixels: 32, inset: "rounded" },
  { name: "icon-192.png", pixels: 192, inset: "rounded" },
  { name: "icon-512.png", pixels: 512, inset: "rounded" },
  { name: "maskable-512.png", pixels: 512, inset: 0.08 },
  { name: "apple-touch-180.png", pixels: 180, inset: 0 },
];

const drawing = readFileSync(join(PUBLIC, "icon.svg"), "utf8");
const browser = await puppeteer.launch({ executablePath: findBrowser("chromium"), args: ["--no-sandbox"] });
const page = await browser.newPage();
for (const { name, pixels, inset } of ICONS) {
  const square = inset !== "rounded";
  const margin = square ? inset * 512 : 0;
  const svg = drawing
    .replace(
      'viewBox="0 0 512 512"',
      `width="${String(pixels)}" height="${String(pixels)}" viewBox="${[-margin, -margin, 512 + 2 * margin, 512 + 2 * margin].join(" ")}"`,
    )
    .replace(/rx="116"/, square ? 'x="-99" y="-99" style="width:710px;height:710px"' : 'rx="116"')
    .replace("M0 0h512v512H0z", "M-99-99h710v710H-99z");
  await page.setViewport({ width: pixels, height: pixels });
  await page.setContent(`<body style="margin:0;line-height:0">${svg}`);
  writeFileSync(join(PUBLIC, "icons", name), await page.screenshot({ omitBackground: true, type: "png" }));
}
await browser.close();
