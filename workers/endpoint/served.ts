// What the endpoint answers with: a loaded model, as far as requests in the OpenAI API's shapes can reach it.
import type { Cria } from "../engine/base/cria.ts";

/** A model that is in memory somewhere. */
export interface Served extends Pick<Cria, "info" | "chat" | "completions" | "embeddings"> {
  /** When it was loaded, in seconds since 1970. */
  readonly since: number;
}
