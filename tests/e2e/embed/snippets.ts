// The snippets of the page about embedding, as a reader copies them.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the snippets call the deployment. */
export const EXAMPLE = "https://cria.example/";

const PAGE = join(import.meta.dirname, "../../../web/docs.html");
const ENTITIES: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };

/** The page itself. */
export function docsPage(): string {
  return readFileSync(PAGE, "utf8");
}

/** Every snippet by its name. */
export function readSnippets(): ReadonlyMap<string, { readonly language: string; readonly text: string }> {
  const found = docsPage().matchAll(
    /<pre\s+data-snippet="([^"]+)"\s+data-language="([^"]+)"[^>]*><code>([\s\S]*?)<\/code\s*><\/pre\s*>/g,
  );
  return new Map(
    [...found].map(([, name, language, text]) => [
      name!,
      { language: language!, text: text!.replace(/&\w+;|&#39;/g, (entity) => ENTITIES[entity] ?? entity) },
    ]),
  );
}

/** One of them. Throws where the page has none of that name. */
export function snippet(name: string): string {
  const found = readSnippets().get(name);
  if (!found) throw new Error(`The page about embedding has no snippet "${name}".`);
  return found.text;
}
