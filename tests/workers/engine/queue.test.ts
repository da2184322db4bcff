import { describe, expect, it } from "vitest";
import { Queue } from "../../../workers/engine/queue.ts";

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
    const second = queue.enter(impatient.signal);
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
});
