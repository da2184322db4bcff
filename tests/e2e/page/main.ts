// The page with the double for an engine. The address says what the double does: ?stored=1&tokenMs=20&load=not_gguf
import { mount } from "svelte";
import AppView from "../../../web/App.svelte";
import { App } from "../../../web/state/app.svelte.ts";
import type { ErrorCode } from "../../../workers/engine/base/errors.ts";
import { EngineDouble, type Script } from "../../web/double.ts";
import "../../../web/styles/tokens.css";
import "../../../web/styles/base.css";
import "../../../web/styles/answer.css";

const asked = new URLSearchParams(location.search);
const failures = (["catalogue", "preview", "load", "answer", "look", "download", "advise"] as const).flatMap((at) => {
  const code = asked.get(at);
  return code === null ? [] : [{ at, code: code as ErrorCode }];
});
const engine = new EngineDouble({
  stored: asked.has("stored"),
  crashes: Number(asked.get("crashes") ?? 0),
  downloadMs: Number(asked.get("downloadMs") ?? 0),
  measureMs: Number(asked.get("measureMs") ?? 0),
  tokenMs: Number(asked.get("tokenMs") ?? 0),
  scoreMs: Number(asked.get("scoreMs") ?? 0),
  contextLength: Number(asked.get("contextLength") ?? 2048),
  stop: (asked.get("stop") ?? "eos") as Script["stop"],
  tokensBeforeFailure: Number(asked.get("after") ?? 0),
  failures,
  answer: () => window.answer ?? "The capital of France is **Paris**.",
});

declare global {
  interface Window {
    /** What the double answers next. */
    answer?: string;
    engine: EngineDouble;
    app: App;
  }
}
window.engine = engine;
window.app = new App(engine, localStorage, new BroadcastChannel("cria-conversations"), sessionStorage);
// The double is asked what the tests ask, and nothing else: the demonstration runs in tests of the built app.
window.app.demonstrate = () => new Promise(() => undefined);
mount(AppView, { target: document.querySelector("#app")!, props: { app: window.app } });
