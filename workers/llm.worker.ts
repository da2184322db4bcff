// The worker that holds the model: builds the host and the library, exposes the api. No logic.
import { expose } from "comlink";
import { createApi } from "./engine/api.ts";
import { createHost } from "./host.ts";
import { createLibrary } from "./library/library.ts";

// The build puts workers into assets/; the dev server serves the app at the root.
const appUrl = new URL(import.meta.env.DEV ? "/" : "..", self.location.href).href;

expose(createApi(createHost(), createLibrary(appUrl)));
