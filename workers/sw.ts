// The service worker: which event leads where. What is cached stands in sw-cache.ts, what becomes of weights in store/.
import type { Precache } from "./precache.ts";
import { answerFromApp, cacheApp, takeOver, tidyUp } from "./sw-cache.ts";
import { answerEndpoint } from "./endpoint/desk.ts";
import { callEngine, connectCall } from "./relay/switchboard.ts";
import { allowServer, withServerPolicy } from "./server/policy.ts";
import { forgiveWork } from "./store/crashes.ts";
import { isRollCall, parseShardUrl, tokenOf } from "./store/courier.ts";
import { answerRollCall, deliverShard } from "./store/delivery.ts";

declare const self: ServiceWorkerGlobalScope;
/** Written by the build. */
declare const PRECACHE: Precache;

const scope = self.registration.scope;

self.addEventListener("install", (event) => event.waitUntil(cacheApp(PRECACHE, scope)));

self.addEventListener("activate", (event) => event.waitUntil(takeOver(PRECACHE, scope, self.clients)));

self.addEventListener("fetch", (event) => {
  const shard = parseShardUrl(event.request.url, scope);
  if (isRollCall(event.request.url, scope)) return event.respondWith(answerRollCall());
  if (shard) return event.respondWith(deliverShard(shard.id, shard.index, tokenOf(event.request.headers)));
  const answer = answerEndpoint(event, scope, () => callEngine(self.clients)) ?? answerFromApp(event.request, PRECACHE, scope);
  if (answer) event.respondWith(withServerPolicy(event.request.url, answer));
  if (event.request.mode === "navigate") event.waitUntil(tidyUp(PRECACHE, scope, self.clients));
});

self.addEventListener("message", (event) => {
  event.waitUntil(connectCall(event, self.clients));
  event.waitUntil(allowServer(event));
  if (event.data === "take over") event.waitUntil(self.skipWaiting());
  if (event.data === "tab closes") event.waitUntil(forgiveWork());
});
