// What the state classes ask of the engine: workers/client.ts has it, and a test puts a double in its place.
import * as client from "../../workers/client.ts";

export type Engine = Pick<typeof client, "load" | "preview" | "catalogue" | "storedModels" | "removeModel" | "deleteEverything">;

/** The engine in its worker. */
export const ENGINE: Engine = client;
