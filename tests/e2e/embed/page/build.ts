// Builds the widget with the double into a folder, as the app itself is built.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildElement } from "../../../../.config/widget.ts";
import { buildFolder } from "../../page/build.ts";

/** The folder of the finished widget. */
export async function buildWidget(): Promise<string> {
  const input = join(import.meta.dirname, "embed.html");
  const folder = await buildFolder("widget", import.meta.dirname, { target: "es2022", rollupOptions: { input } });
  writeFileSync(join(folder, "cria-chat.js"), await buildElement());
  return folder;
}
