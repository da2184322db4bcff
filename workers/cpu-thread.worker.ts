// Entry of a compute thread in the browser. No logic: engine/cpu/thread.ts has it.
import { runThread } from "./engine/cpu/thread.ts";

runThread({
  postMessage: (message) => self.postMessage(message),
  onMessage: (listener) => self.addEventListener("message", (event: MessageEvent) => listener(event.data)),
});
