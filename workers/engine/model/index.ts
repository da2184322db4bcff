// The architectures Cria runs, one line each, by `general.architecture`.
import { describeLlama } from "./llama.ts";

export const ARCHITECTURES = {
  llama: describeLlama,
} as const;
