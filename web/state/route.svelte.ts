// Which panel is open, in the address: #settings can be linked to, and the back button closes it.

export class Route {
  panel = $state<string | null>(null);

  constructor() {
    if (typeof window === "undefined") return;
    this.panel = read();
    window.addEventListener("hashchange", () => (this.panel = read()));
  }

  open(panel: string): void {
    if (this.panel) history.replaceState(null, "", `#${panel}`);
    else location.hash = panel;
    this.panel = panel;
  }

  close(): void {
    if (!this.panel) return;
    this.panel = null;
    history.replaceState(null, "", location.pathname + location.search);
  }
}

function read(): string | null {
  return location.hash.slice(1) || null;
}
