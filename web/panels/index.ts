// The panels that open beside the chat. A new one is a component and a line here; its id is its address.
import type { Component } from "svelte";
import type { App } from "../state/app.svelte.ts";
import Evaluate from "./Evaluate.svelte";
import Models from "./Models.svelte";
import Privacy from "./Privacy.svelte";
import Settings from "./Settings.svelte";

export interface Panel {
  readonly title: string;
  readonly component: Component<{ app: App }>;
  /** Needs more than a column of text. */
  readonly wide?: boolean;
}

export const PANELS: Readonly<Record<string, Panel>> = {
  settings: { title: "Settings", component: Settings },
  models: { title: "Models", component: Models, wide: true },
  evaluate: { title: "Evaluation", component: Evaluate },
  privacy: { title: "Privacy", component: Privacy },
};
