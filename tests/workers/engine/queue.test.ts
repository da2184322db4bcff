import { describe, expect, it } from "vitest";
import { Queue, type EnterOptions } from "../../../workers/engine/queue.ts";

describe("the queue of requests", () => {
  it("admits one after the other, in the order they came", async () => {
    const queue = new Queue();
    const order: string[] = [];
    const work = async (name: string): Promise<void> => {
      const leave = await queue.enter();
      order.push(`${name} in`);
      await Promise.resolve();
      order.push(`${name} out`);
      leave();
    };
    await Promise.all([work("a"), work("b"), work("c")]);
    expect(order).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
  });

  it("lets a request that is stopped while waiting go, and admits the next", async () => {
    const queue = new Queue();
    const leave = await queue.enter();
    const impatient = new AbortController();
    const second = queue.enter({ signal: impatient.signal });
    const third = queue.enter();
    impatient.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    leave();
    (await third)();
  });

  it("counts a turn as ended only once", async () => {
    const queue = new Queue();
    const leave = await queue.enter();
    const second = queue.enter();
    leave();
    leave();
    const endSecond = await second;
    let thirdIn = false;
    const third = queue.enter().then((end) => {
      thirdIn = true;
      end();
    });
    await Promise.resolve();
    expect(thirdIn).toBe(false);
    endSecond();
    await third;
  });

  it("refuses the request after the 64th that waits", async () => {
    const queue = new Queue();
    await queue.enter();
    for (let index = 0; index < 64; index++) void queue.enter();
    await expect(queue.enter()).rejects.toMatchObject({ code: "busy" });
  });

  it("admits a person before a widget, a widget before the background, and an interrupted one before its like", async () => {
    const queue = new Queue();
    const leave = await queue.enter();
    const order: string[] = [];
    const wait = async (name: string, options: EnterOptions): Promise<void> => {
      const end = await queue.enter(options);
      order.push(name);
      end();
    };
    const all = [
      wait("job", { urgency: "background" }),
      wait("widget", { urgency: "widget" }),
      wait("interrupted widget", { urgency: "widget", first: true }),
      wait("person", {}),
      wait("second person", { urgency: "person" }),
    ];
    leave();
    await Promise.all(all);
    expect(order).toEqual(["person", "second person", "interrupted widget", "widget", "job"]);
  });

  it("says who waits that one has to make way for", async () => {
    const queue = new Queue();
    const leave = await queue.enter();
    expect(queue.ahead("background")).toBeNull();
    void queue.enter({ urgency: "widget" });
    expect([queue.ahead("person"), queue.ahead("widget"), queue.ahead("background")]).toEqual([null, "equal", "more urgent"]);
    leave();
    expect(queue.ahead("background")).toBeNull();
  });
});
