// What a page of Cria's origin brings along: the official client, the AI SDK, and Cria's own library. Tests call it on `window.kit`.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateText, jsonSchema, Output, streamText, tool } from "ai";
import OpenAI from "openai";

const baseURL = new URL("v1", document.baseURI).href;

export const kit = {
  openai: new OpenAI({ baseURL, apiKey: "none", dangerouslyAllowBrowser: true, maxRetries: 0 }),
  provider: createOpenAICompatible({ name: "cria", baseURL, supportsStructuredOutputs: true, includeUsage: true }),
  ...{ embed, generateText, jsonSchema, Output, streamText, tool },
};
export type Kit = typeof kit;

Object.assign(window, { kit });
