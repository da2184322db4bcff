// When a page is seen, and how often it draws.

/** Longest wait for a frame: a page that was hidden while waiting, or whose window is covered, is given none. */
const NO_FRAME_MS = 100;

/**
 * The next frame, so that a page draws no more often than it is seen. At once where it is hidden: no frames come then, and
 * browsers slow a hidden page's timers to one a second, later to one a minute, but not its messages.
 */
export function nextFrame(): Promise<void> {
  if (typeof document === "undefined" || document.visibilityState === "hidden") return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, NO_FRAME_MS);
    requestAnimationFrame(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Resolves when the page is seen, and not on its way out. */
export async function whenSeen(): Promise<void> {
  do {
    await new Promise((resolve) => setTimeout(resolve)); // a page that is being left runs no more timers
    if (document.visibilityState === "visible") return;
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  } while (document.visibilityState === "hidden");
}
