// The worker that fetches, copies and keeps models while the other one answers. No logic.
import { expose } from "comlink";
import { createStoreApi } from "./library/store-api.ts";

// The build puts workers into assets/; the dev server serves the app at the root.
const appUrl = new URL(import.meta.env.DEV ? "/" : "..", import.meta.url).href;

expose(createStoreApi(appUrl));
