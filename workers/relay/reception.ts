// The engine's worker's part: takes callers in whose ports the page passes on, and lets go of what they asked for when they end.
import { expose } from "comlink";
import { isEngineCall, type Welcome } from "./calls.ts";
import { beginLife, endOfLife } from "./life.ts";

/** What a caller gets; `leave` is called when it has ended. */
export interface Reception {
  leave(): void;
}

/** A listener for calls; `open` makes the api of one caller. */
export function welcome(open: () => Reception): (event: MessageEvent<unknown>) => void {
  let life: Promise<{ readonly name: string }> | null = null;
  return ({ data, ports: [port] }) => {
    if (!port || !isEngineCall(data)) return;
    const api = open();
    expose(api, port);
    void (life ??= beginLife()).then(({ name }) => port.postMessage({ type: "welcome", life: name } satisfies Welcome));
    void endOfLife(data.life).then(() => {
      api.leave();
      port.close();
    });
  };
}
