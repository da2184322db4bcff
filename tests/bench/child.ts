// The process of native llama.cpp: takes orders one after the other, and the time of each.
import type { Order, Report } from "./contestants.ts";
import { timed } from "./engines/engine.ts";
import { LlamaCppEngine } from "./engines/llama.cpp.ts";

const engine = new LlamaCppEngine();

process.on("message", (order: Order) => {
  const send = (report: Report): void => void process.send!(report);
  obey(order).then(
    (value) => send({ id: order.id, value }),
    (error: unknown) => send({ id: order.id, error: String(error) }),
  );
});
process.on("disconnect", () => process.exit());

async function obey(order: Order): Promise<unknown> {
  if ("load" in order) return timed(() => engine.load(order.load));
  if ("complete" in order) return timed(() => engine.complete(order.complete.prompt, order.complete.tokens));
  if ("tokenize" in order) return engine.tokenize(order.tokenize);
  if ("detokenize" in order) return engine.detokenize(order.detokenize);
  return engine.unload();
}
