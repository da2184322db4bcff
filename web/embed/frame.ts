// Starts the frame: finds out who is around it, looks whether that site may show it, and only then becomes a widget.
import { mount } from "svelte";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import { readAllowList, siteOf, type AllowList, type Site } from "../lib/allow-list.ts";
import { startServiceWorker } from "../lib/service-worker.ts";
import { ENGINE, type Engine } from "../state/engine.ts";
import { bringModel } from "./bring.ts";
import { dress } from "./dress.ts";
import Frame from "./Frame.svelte";
import { meetHost, originsAround, type Host } from "./host.ts";
import Refused from "./Refused.svelte";
import { Widget } from "./widget.svelte.ts";

/** Fills `target`: with the widget, or with why there is none. A test puts its own engine in place. */
export async function startFrame(target: Element, engine: Engine = ENGINE): Promise<void> {
  if (window.parent === window) {
    mount(Refused, { target, props: { site: null } });
    return;
  }
  const host = await meetHost();
  const words = await dress(host.config);
  const outcome = await permit(host);
  if ("code" in outcome) {
    host.post({ type: "state", state: "failed" });
    host.post({ type: "error", id: null, error: outcome });
    host.listen(
      (message) => message.type === "ask" && host.post({ type: "error", id: message.id, error: outcome }),
      () => undefined,
    );
    mount(Refused, { target, props: { site: host.origin, words } });
    return;
  }
  const widget = new Widget(host, outcome, { engine, counts: localStore(), agreed, bring: bringModel, dress });
  mount(Frame, { target, props: { widget } });
  await widget.start();
}

/** What the deployment allows this site; an error where it is on no line of the list, or the list can't be read: then nobody is. */
async function permit({ origin }: Host): Promise<Site | ErrorRecord> {
  const around = originsAround(origin);
  try {
    const list = await fetchAllowList();
    const rules = around.map((each) => (each === location.origin ? OWN : siteOf(list, each)));
    const rule = rules[0];
    if (rule && rules.every((each) => each !== null)) return rule;
  } catch (error) {
    return EngineError.record(error);
  }
  return EngineError.record(
    new EngineError(
      "not_allowed",
      `This deployment of Cria does not let ${around.join(" in ")} show it.`,
      "Its owner names sites in embed.json.",
    ),
  );
}

/** The app's own pages show the widget as they like. */
const OWN: Site = { origin: location.origin, models: ["*"], budgetTokens: null };

async function fetchAllowList(): Promise<AllowList> {
  const response = await fetch("./embed.json", { cache: "no-cache" });
  if (!response.ok)
    throw new EngineError("not_allowed", `The list of sites that may show Cria can't be read: HTTP ${response.status}.`);
  return readAllowList(await response.json());
}

/** From here on the frame works offline, and downloads go on when it is closed: the service worker is a download too. */
function agreed(): void {
  void startServiceWorker({ isIdle: () => false, mayReload: () => false });
}

function localStore(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null; // site data are blocked: even looking throws
  }
}
