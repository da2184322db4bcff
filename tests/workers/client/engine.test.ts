// Which tab's engine a page uses: its own where it takes the lock, another tab's where that has it, its own again when that one goes.
import { expose } from "comlink";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { acceptCall, isEngineCall } from "../../../workers/relay/calls.ts";
import { welcome } from "../../../workers/relay/reception.ts";

interface Held {
  readonly name: string;
  release(): void;
  rob(): void;
}

let held: Held[];
let waiting: { name: string; admit: () => void }[];
let started: number;
/** What the service worker does with a call. */
let switchboard: ((data: unknown, answer: MessagePort) => void) | null;

/** Web Locks: exclusive ones, those that only look, and those that rob. */
const locks = {
  request(name: string, ...rest: unknown[]): Promise<unknown> {
    const work = rest.at(-1) as (lock: object | null) => unknown;
    const { ifAvailable = false, steal = false } = (rest.length > 1 ? rest[0] : {}) as { ifAvailable?: boolean; steal?: boolean };
    const holder = held.find((each) => each.name === name);
    if (holder && ifAvailable) return Promise.resolve(work(null));
    if (holder && steal) holder.rob();
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        const release = (): void => {
          held = held.filter((each) => each !== mine);
          const index = waiting.findIndex((each) => each.name === name);
          if (index >= 0) waiting.splice(index, 1)[0]!.admit();
        };
        const rob = (): void => {
          held = held.filter((each) => each !== mine);
          reject(new DOMException("The lock was stolen.", "AbortError"));
        };
        const mine: Held = { name, release, rob };
        held.push(mine);
        void Promise.resolve(work({})).then((result) => {
          if (held.includes(mine)) release();
          resolve(result);
        });
      };
      if (held.some((each) => each.name === name)) waiting.push({ name, admit });
      else admit();
    });
  },
};

beforeEach(() => {
  vi.resetModules();
  held = [];
  waiting = [];
  started = 0;
  switchboard = null;
  const controller = { postMessage: (data: unknown, [port]: MessagePort[]) => switchboard?.(data, port!) };
  const serviceWorker = Object.assign(new EventTarget(), { controller, startMessages: () => undefined });
  vi.stubGlobal("navigator", { locks, serviceWorker });
  const page = new EventTarget();
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("dispatch", (event: Event) => page.dispatchEvent(event));
  vi.stubGlobal("Worker", function () {
    started++;
    const { port1, port2 } = new MessageChannel();
    expose({ storedModels: () => ({ value: "own" }) }, port2 as unknown as Parameters<typeof expose>[1]);
    return Object.assign(port1, {
      terminate: () => {
        port1.close();
        port2.close();
      },
    });
  });
});

afterEach(() => {
  page("pagehide");
  vi.unstubAllGlobals();
});

/** Something happens to this page. */
function page(event: string): void {
  (globalThis as unknown as { dispatch(event: Event): void }).dispatch(new Event(event));
}

/** Another tab that leads: has the lock, and an engine behind the service worker. Gives what ends it. */
function otherTab(): () => void {
  let end: () => void = () => undefined;
  void locks.request("cria-engine 1", () => new Promise<void>((resolve) => (end = resolve))).catch(() => undefined);
  const receive = welcome(() => ({ storedModels: () => ({ value: "other" }), leave: () => undefined }));
  switchboard = (data, answer) => {
    const { port1, port2 } = new MessageChannel();
    if (isEngineCall(data)) acceptCall(port1);
    receive(new MessageEvent<unknown>("message", { data, ports: [port1] }));
    answer.postMessage(null, [port2]);
  };
  return () => {
    end();
    switchboard = (_, answer) => answer.postMessage(null, []);
    for (const { name, release } of held) if (name.startsWith("cria-life")) release();
  };
}

async function whose(): Promise<{ whose: unknown; elsewhere: boolean }> {
  const { connect } = await import("../../../workers/client/engine.ts");
  const { wire, elsewhere } = await connect();
  return { whose: await wire.ask((api) => api.storedModels()), elsewhere };
}

describe("a page's engine", () => {
  it("is its own where nobody leads, and one for all that asks in it", async () => {
    expect(await whose()).toEqual({ whose: "own", elsewhere: false });
    await whose();
    expect([started, held.map(({ name }) => name)]).toEqual([1, ["cria-engine 1"]]);
  });

  it("is the other tab's where that leads, and its own when that has gone", async () => {
    const end = otherTab();
    expect(await whose()).toEqual({ whose: "other", elsewhere: true });
    expect(started).toBe(0);
    end();
    await expect.poll(async () => (await whose()).whose).toBe("own");
    expect(started).toBe(1);
  });

  it("is its own, and nobody else's, where no service worker is in charge", async () => {
    otherTab();
    vi.stubGlobal("navigator", { locks });
    expect(await whose()).toEqual({ whose: "own", elsewhere: false });
  });

  it("takes the lead from a tab that does not answer", async () => {
    otherTab();
    switchboard = (_, answer) => answer.postMessage(null, []); // frozen: not even listening
    expect(await whose()).toEqual({ whose: "own", elsewhere: false });
    expect(held.filter(({ name }) => name === "cria-engine 1")).toHaveLength(1);
  });

  it("ends when the page is left, and begins anew when it is come back to", async () => {
    await whose();
    page("pagehide");
    await expect.poll(() => held).toEqual([]);
    expect((await whose()).whose).toBe("own");
    expect(started).toBe(2);
  });

  it("is given up by a page that is frozen only where others use it too", async () => {
    await whose();
    page("freeze");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(held).toHaveLength(1);
    const { port1, port2 } = new MessageChannel();
    const call = { type: "engine wanted", engine: "cria-engine 1", life: "somebody" };
    navigator.serviceWorker.dispatchEvent(new MessageEvent("message", { data: call, ports: [port1] }));
    page("freeze");
    await expect.poll(() => held).toEqual([]);
    port2.close();
  });
});
