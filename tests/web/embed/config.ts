// What a page that sets nothing wishes for.
import type { Config } from "../../../web/embed/messages.ts";

export const CONFIG: Config = {
  model: "",
  system: "",
  greeting: "",
  heading: "",
  placeholder: "",
  suggestions: [],
  language: "en",
  scheme: "light",
  display: "button",
  context: "",
  contextLabel: "",
  budget: null,
  theme: {},
};
