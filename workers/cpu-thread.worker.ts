// Entry of a compute thread in the browser: the first message brings the port to its engine. engine/cpu/thread.ts has the rest.
import { runThread } from "./engine/cpu/thread.ts";

addEventListener(
  "message",
  ({ ports: [port] }) => {
    if (!port) return;
    runThread({
      postMessage: (message) => port.postMessage(message),
      onMessage: (listener) => {
        port.addEventListener("message", ({ data }) => listener(data));
        port.start();
      },
    });
  },
  { once: true },
);
