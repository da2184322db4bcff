// How a caller finds the engine: locks, a service worker and tabs as doubles, ports as they are.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { wrap } from "comlink";
import { acceptCall, awaitEngine, ENGINE_LOCK, isEngineCall, type EngineCall } from "../../../workers/relay/calls.ts";
import { beginLife, endOfLife } from "../../../workers/relay/life.ts";
import { welcome } from "../../../workers/relay/reception.ts";

type Mode = "exclusive" | "shared";

/** Web Locks, as far as lives need them: in the order they were asked for. */
class Locks {
  private readonly queues = new Map<string, (() => Promise<unknown>)[]>();

  request(name: string, ...rest: [() => unknown] | [{ mode: Mode }, () => unknown]): Promise<unknown> {
    const work = rest.at(-1) as () => unknown;
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    return new Promise((resolve) => {
      queue.push(async () => {
        resolve(await work());
        queue.shift();
        void queue[0]?.();
      });
      if (queue.length === 1) void queue[0]!();
    });
  }
}

const CALL = { type: "engine wanted", engine: ENGINE_LOCK } as const;
const open: MessagePort[] = [];

function channel(): MessageChannel {
  const made = new MessageChannel();
  open.push(made.port1, made.port2);
  return made;
}

/** A tab that leads: passes a call on to an engine whose api says its name. */
function lead(port: MessagePort, call: EngineCall, left: () => void): void {
  const receive = welcome(() => ({ name: () => "the engine", leave: left }));
  acceptCall(port);
  receive(new MessageEvent<unknown>("message", { data: call, ports: [port] }));
}

beforeEach(() => vi.stubGlobal("navigator", { locks: new Locks() }));

afterEach(() => {
  for (const port of open.splice(0)) port.close();
  vi.unstubAllGlobals();
});

describe("a life", () => {
  it("ends for those who watch it when its holder ends it, and not before", async () => {
    const life = await beginLife();
    let isOver = false;
    const over = endOfLife(life.name).then(() => (isOver = true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isOver).toBe(false);
    life.end();
    expect(await over).toBe(true);
  });
});

describe("a call for the engine", () => {
  it("reaches the tab that leads, whose engine answers over the port", async () => {
    const [other, leader] = [channel(), channel()];
    const life = await beginLife();
    lead(leader.port1, { ...CALL, life: life.name }, () => undefined);
    const engine = await awaitEngine([other.port2, leader.port2], 1000);
    const api = wrap<{ name(): string }>(engine!.port);
    expect(await api.name()).toBe("the engine");
    expect(engine!.life).toMatch(/^cria-life /);
  });

  it("finds nobody where no tab leads, and gives up on one that does not answer", async () => {
    expect(await awaitEngine([])).toBeNull();
    expect(await awaitEngine([channel().port2, channel().port2], 20)).toBeNull();
  });

  it("is let go of when its caller ends", async () => {
    const { port1, port2 } = channel();
    const life = await beginLife();
    const left = vi.fn();
    lead(port1, { ...CALL, life: life.name }, left);
    await awaitEngine([port2], 1000);
    expect(left).not.toHaveBeenCalled();
    life.end();
    await expect.poll(() => left.mock.calls.length).toBe(1);
  });

  it("is not heard by a tab of a version that speaks otherwise", () => {
    expect(isEngineCall({ ...CALL, life: "x" })).toBe(true);
    expect(isEngineCall({ ...CALL, engine: "cria-engine 0", life: "x" })).toBe(false);
    expect(isEngineCall("tab closes")).toBe(false);
  });
});
