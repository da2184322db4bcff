// The worker that holds the model: builds the host and the library, exposes the api to its page and to callers from elsewhere.
import { expose } from "comlink";
import { CallerApi } from "./engine/api.ts";
import { ModelRoom } from "./engine/room.ts";
import { createHost } from "./host.ts";
import { createLibrary } from "./library/library.ts";
import { welcome } from "./relay/reception.ts";

// The build puts workers into assets/; the dev server serves the app at the root.
const appUrl = new URL(import.meta.env.DEV ? "/" : "..", import.meta.url).href;

const room = new ModelRoom(createHost(), createLibrary(appUrl));

expose(new CallerApi(room));
self.addEventListener(
  "message",
  welcome(() => new CallerApi(room)),
);
