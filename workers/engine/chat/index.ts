// The prompt families, those known by their tokens first, the one that fits anything last.
import { alpaca, alpacaFastChat, alpacaLora } from "./families/alpaca.ts";
import { baize } from "./families/baize.ts";
import { chatDoctor } from "./families/chatdoctor.ts";
import { chatml } from "./families/chatml.ts";
import { gpt4allLora, snoozy } from "./families/gpt4all.ts";
import { koala } from "./families/koala.ts";
import { llamaAdapterV2 } from "./families/llama-adapter.ts";
import { llama } from "./families/llama.ts";
import { llama2 } from "./families/llama2.ts";
import { llama3 } from "./families/llama3.ts";
import { mistral } from "./families/mistral.ts";
import { vicunaV0, vicunaV0OneShot } from "./families/vicuna-v0.ts";
import { dialogue, vicuna } from "./families/vicuna.ts";
import type { ChatFamily } from "./family.ts";

/** Looked through in order. A new family is a file and a line. */
export const FAMILIES: readonly ChatFamily[] = [
  llama3,
  chatml,
  chatDoctor,
  baize,
  koala,
  snoozy,
  gpt4allLora,
  llamaAdapterV2,
  alpacaLora,
  alpaca,
  alpacaFastChat,
  vicunaV0,
  vicunaV0OneShot,
  vicuna,
  llama2,
  mistral,
  llama,
  dialogue,
];
