// The worker that talks to a server of the person's own, and can reach nothing else. No logic.
import { expose } from "comlink";
import { ServerApi } from "./server/api.ts";

expose(new ServerApi());
