// How the widget looks in a page, around its frame. Everything a page may set is a custom property.

const LIGHT = "--accent:#a8234a;--on-accent:#fff;--background:#fcfaf6;--text:#241d28";
const DARK = "--accent:#bd375d;--on-accent:#fff;--background:#17131a;--text:#f0e9e1";

/** The style sheet of the shadow root. */
export const STYLE = `
:host {
  display: block;
  font: 500 16px/1.3 var(--cria-font, Figtree, system-ui, sans-serif);
  text-align: start;
}
:host([hidden]) { display: none }
.root { ${LIGHT}; position: fixed; z-index: var(--cria-layer, 2147483000) }
.dark { ${DARK} }
.root, .panel { --edge: var(--cria-offset, 20px) }
.launcher {
  position: fixed; z-index: 1; display: flex; align-items: center; gap: 10px; box-sizing: border-box; height: 56px; padding: 0 22px 0 8px; border: 0;
  border-radius: 28px; background: var(--cria-accent, var(--accent)); color: var(--cria-on-accent, var(--on-accent)); font: inherit; font-weight: 600;
  cursor: pointer; box-shadow: 0 1px 2px rgb(40 20 30 / .18), 0 8px 28px rgb(40 20 30 / .22);
  transition: transform 160ms cubic-bezier(.2, 0, 0, 1), box-shadow 160ms;
}
.launcher:hover { transform: translateY(-2px); box-shadow: 0 2px 4px rgb(40 20 30 / .18), 0 14px 36px rgb(40 20 30 / .28) }
.launcher:active { transform: none }
.launcher:focus-visible { outline: 3px solid var(--cria-accent, var(--accent)); outline-offset: 3px }
.launcher svg { width: 40px; height: 40px; flex: none }
.open .launcher { width: 56px; padding: 0; justify-content: center }
.open .launcher span { position: absolute; clip-path: inset(50%) }
.open .launcher svg { width: 24px; height: 24px }
.panel {
  position: fixed; box-sizing: border-box; overflow: hidden; width: min(var(--cria-width, var(--wide)), 100vw - 2 * var(--edge));
  height: min(var(--cria-height, var(--high)), 100dvh - 2 * var(--edge) - 68px); border: 1px solid rgb(128 110 120 / .25);
  border-radius: var(--cria-radius, 20px); background: var(--cria-background, var(--background)); color: var(--cria-text, var(--text));
  box-shadow: 0 2px 6px rgb(40 20 30 / .08), 0 24px 64px rgb(40 20 30 / .24);
}
.root:not(.open, .inline) .panel { visibility: hidden; pointer-events: none; opacity: 0; transform: translateY(12px) scale(.98) }
.root .panel { transition: opacity 200ms, transform 240ms cubic-bezier(.2, 0, 0, 1) }
.small { --wide: 340px; --high: 480px }
.medium { --wide: 400px; --high: 620px }
.large { --wide: 520px; --high: 760px }
.bottom-right :is(.launcher, .panel) { right: calc(var(--edge) + env(safe-area-inset-right)) }
.top-right :is(.launcher, .panel) { right: calc(var(--edge) + env(safe-area-inset-right)) }
.bottom-left :is(.launcher, .panel) { left: calc(var(--edge) + env(safe-area-inset-left)) }
.top-left :is(.launcher, .panel) { left: calc(var(--edge) + env(safe-area-inset-left)) }
:is(.bottom-right, .bottom-left) .launcher { bottom: calc(var(--edge) + env(safe-area-inset-bottom)) }
:is(.bottom-right, .bottom-left) .panel { bottom: calc(var(--edge) + 68px + env(safe-area-inset-bottom)); transform-origin: bottom }
:is(.top-right, .top-left) .launcher { top: var(--edge) }
:is(.top-right, .top-left) .panel { top: calc(var(--edge) + 68px); transform-origin: top }
.inline { position: static; display: block }
.inline .panel { position: relative; width: var(--cria-width, 100%); height: var(--cria-height, var(--high)); box-shadow: none }
iframe { position: absolute; inset: 0; width: 100%; height: 100%; border: 0; opacity: 0; transition: opacity 200ms }
.met iframe { opacity: 1 }
.wait { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 14px; padding: 24px; text-align: center; opacity: .75 }
.wait svg { width: 56px; height: 56px; color: var(--cria-accent, var(--accent)) }
.met .wait { visibility: hidden }
@media (max-width: 480px) {
  .root:not(.inline) .panel {
    inset: var(--keyboard-top, 0) 0 auto; width: 100%; height: var(--keyboard-left, 100dvh); border: 0; border-radius: 0;
  }
  .open:not(.inline) .launcher { display: none }
}
@media (prefers-reduced-motion: reduce) { *, .root .panel { transition: none } }
@media print { .root:not(.inline) { display: none } }
@media (forced-colors: active) { .launcher, .panel { border: 1px solid ButtonText } }
`;
