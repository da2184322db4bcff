// What the state classes ask of the engine and the store: workers/client has it, and a test puts a double in its place.
import * as store from "../../workers/client/store.ts";
import * as client from "../../workers/client/client.ts";

export type Engine = Pick<
  typeof client,
  "load" | "currentModel" | "preview" | "catalogue" | "storedModels" | "removeModel" | "deleteEverything" | "advise" | "inspect"
> &
  Pick<
    typeof store,
    | "adapterFiles"
    | "forgetReadings"
    | "storageRoom"
    | "lookAt"
    | "downloadModel"
    | "keepFiles"
    | "exportModel"
    | "keepToken"
    | "tokenOrigins"
  >;

/** The engine in its worker, and the store in its own. */
export const ENGINE: Engine = { ...client, ...store };
