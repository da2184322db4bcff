// The page's side of the service worker: offline use, cross-origin isolation on hosts that don't send its headers, updates.

export interface ServiceWorkerOptions {
  /** False while this page answers, loads or downloads. A new version takes over only when it says true. */
  readonly isIdle: () => boolean;
  /** True until the person has typed or started anything: only then may the page reload itself, once. */
  readonly mayReload: () => boolean;
  /** A new version is in charge; this page goes on with the old one's files until it is reloaded. */
  readonly onUpdate?: () => void;
}

const RELOADED = "cria-reloaded-for-isolation";
const UPDATE_CHECK_MS = 60 * 60 * 1000;
const IDLE_CHECK_MS = 5000;

/**
 * Registers the service worker. Does nothing in development and where browsers have none: the app works without, it only needs the
 * network. Never throws.
 */
export async function startServiceWorker(options: ServiceWorkerOptions): Promise<void> {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const container = navigator.serviceWorker;
  let isFirst = container.controller === null;
  container.addEventListener("controllerchange", () => {
    if (!isFirst) options.onUpdate?.();
    isFirst = false;
  });
  try {
    const registration = await container.register("sw.js", { updateViaCache: "none" });
    watchForUpdates(registration, options.isIdle);
    addEventListener("pagehide", () => container.controller?.postMessage("tab closes"));
    await controlled(container);
    reloadForIsolation(options.mayReload);
  } catch (error) {
    console.warn("Cria works without its service worker, but not offline:", error);
  }
}

/** Takes the service worker away: part of "Delete everything". */
export async function removeServiceWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
}

/** Asks the browser not to throw models away when the disk gets full. Some ask the person. */
export async function askToPersist(): Promise<boolean> {
  if (!("storage" in navigator) || !("persist" in navigator.storage)) return false;
  return (await navigator.storage.persisted()) || (await navigator.storage.persist());
}

function watchForUpdates(registration: ServiceWorkerRegistration, isIdle: () => boolean): void {
  setInterval(() => void registration.update().catch(() => undefined), UPDATE_CHECK_MS);
  const takeOverWhenIdle = async (): Promise<void> => {
    if (registration.waiting && registration.active && isIdle() && !(await isAnyTabBusy()))
      registration.waiting.postMessage("take over");
  };
  setInterval(() => void takeOverWhenIdle(), IDLE_CHECK_MS);
}

/** All tabs' workers hold a lock of ours while they load, answer or download. */
async function isAnyTabBusy(): Promise<boolean> {
  if (!("locks" in navigator)) return false;
  const { held } = await navigator.locks.query();
  return (held ?? []).some((lock) => /^cria-(work|shard) /.test(lock.name ?? ""));
}

async function controlled(container: ServiceWorkerContainer): Promise<void> {
  await container.ready;
  if (container.controller) return;
  await new Promise((resolve) => container.addEventListener("controllerchange", resolve, { once: true }));
}

/** Through the service worker the page comes with the headers that allow threads. At most once, never in a frame. */
function reloadForIsolation(mayReload: () => boolean): void {
  if (crossOriginIsolated || !isSecureContext || window.top !== window) return;
  if (sessionStorage.getItem(RELOADED) !== null || !mayReload()) return;
  sessionStorage.setItem(RELOADED, "1");
  location.reload();
}
