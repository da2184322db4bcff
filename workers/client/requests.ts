// One request over a connection: an AbortSignal becomes stop(job), an answer in pieces becomes an async iterable.
import { transfer } from "comlink";
import type { Reply } from "../engine/base/wire.ts";
import { Inbox, readPieces, type Pace, type StreamedPiece } from "./stream.ts";
import type { Api, Wire } from "./wire.ts";

/** A call that `signal` stops. */
export async function run<T>(
  wire: Wire<Api>,
  signal: AbortSignal | undefined,
  call: (api: Api, job: number) => Promise<Reply<T>>,
): Promise<T> {
  const job = wire.openJob(signal);
  try {
    return await wire.ask((api) => call(api, job.id));
  } finally {
    job.done();
  }
}

/** A call whose answer comes in pieces, at the pace of its reader: resolves when the request was found good. */
export async function stream<Piece extends StreamedPiece>(
  wire: Wire<Api>,
  pace: Pace,
  signal: AbortSignal | undefined,
  call: (api: Api, job: number, port: MessagePort) => Promise<Reply<null>>,
): Promise<AsyncGenerator<Piece, void, void>> {
  const job = wire.openJob(signal);
  const { port1, port2 } = new MessageChannel();
  const inbox = new Inbox<Piece>(port1, pace);
  const forget = wire.onDeath((error) => inbox.put({ error }));
  const leave = (ended: boolean): void => {
    if (!ended) job.stop();
    job.done();
    forget();
    inbox.close();
  };
  try {
    await wire.ask((api) => call(api, job.id, transfer(port2, [port2])));
  } catch (error) {
    leave(true);
    throw error;
  }
  return readPieces(inbox, signal, leave);
}

/** A copy that can be cloned, also of a framework's proxies. What JSON cannot say becomes text, which the engine refuses. */
export function plain<T>(value: T): T {
  const text = JSON.stringify(value, (_, field: unknown) =>
    typeof field === "number" && !Number.isFinite(field) ? String(field) : field,
  );
  return JSON.parse(text) as T;
}
