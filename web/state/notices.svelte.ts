// Short messages that come and go at the foot of the page, some with a way back.

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

export class Notices {
  list = $state.raw<readonly Notice[]>([]);
  #last = 0;

  /** Shows a message: 4 seconds, 10 with an action (WCAG asks for time to reach it), for ever where `stays`. */
  say(text: string, action: Notice["action"] = null, stays = false): void {
    const notice = { id: ++this.#last, text, action };
    this.list = [...this.list.slice(-2), notice];
    if (!stays) setTimeout(() => this.dismiss(notice.id), action ? 10_000 : 4_000);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }
}
