// The page about embedding: its snippets name the deployment one is reading them on, and can be copied.
import { highlight } from "./lib/highlight.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./docs/docs.css";

/** What the snippets call the deployment. */
const EXAMPLE = "https://cria.example/";
const HERE = new URL("./", location.href).href;

for (const figure of document.querySelectorAll<HTMLElement>("figure.code")) {
  const code = figure.querySelector("code");
  if (!code) continue;
  code.textContent = code.textContent.replaceAll(EXAMPLE, HERE).replaceAll(EXAMPLE.slice(0, -1), HERE.slice(0, -1));
  figure.append(copyButton(code));
  void colour(code, figure.querySelector("pre")?.dataset.language ?? "");
}

function copyButton(code: HTMLElement): HTMLButtonElement {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  };
  button.addEventListener("click", () => void copy());
  return button;
}

async function colour(code: HTMLElement, language: string): Promise<void> {
  const family: Record<string, string> = { vue: "html", svelte: "html" };
  const html = await highlight(code.textContent, family[language] ?? language);
  if (html !== null) code.innerHTML = html;
}
