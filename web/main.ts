// Starts the page.
import { mount } from "svelte";
import AppView from "./App.svelte";
import { startServiceWorker } from "./lib/service-worker.ts";
import { App } from "./state/app.svelte.ts";
import { ENGINE } from "./state/engine.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/answer.css";

const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("cria-conversations") : null;
const app = new App(
  ENGINE,
  storage(() => localStorage),
  channel,
  storage(() => sessionStorage),
);

mount(AppView, { target: document.querySelector("#app")!, props: { app } });

void startServiceWorker({
  isIdle: () => app.idle,
  mayReload: () => app.untouched,
  onUpdate: () => app.notices.say("A new version is ready.", { label: "Reload", run: () => location.reload() }, true),
});

/** Null where the browser forbids it: even looking throws then. */
function storage(open: () => Storage): Storage | null {
  try {
    return open();
  } catch {
    return null;
  }
}
