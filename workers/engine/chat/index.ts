// The prompt families, the one that fits anything last.
import { chatml } from "./chatml.ts";
import type { ChatFamily } from "./family.ts";
import { llama2 } from "./llama2.ts";
import { llama3 } from "./llama3.ts";
import { vicuna } from "./vicuna.ts";

/** Looked through in order. A new family is a file and a line. */
export const FAMILIES: readonly ChatFamily[] = [llama3, chatml, llama2, vicuna];
