// The service worker's side of a shard: fetches it once for everybody who asks, says how far it is, answers in time.
import { EngineError } from "../engine/base/errors.ts";
import { FROM_SERVICE_WORKER, progressChannel, type Answer, type ShardProgress } from "./courier.ts";
import { FileChanged } from "./failures.ts";
import { NETWORK, type Token } from "./http.ts";
import { readRecord } from "./records.ts";
import { obtainShard } from "./obtain.ts";

/** Browsers end an event after some minutes, a worker without events after half a minute: whoever waits asks again in between. */
const ANSWER_WITHIN_MS = 10_000;
/** A shard that nobody asked for so long is given up. */
const ABANDONED_AFTER_MS = 25_000;
const PROGRESS_INTERVAL_MS = 100;

interface Job {
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>;
  asked(): void;
}

const jobs = new Map<string, Job>();

/** Answers a worker that asks whether a service worker is in charge. */
export function answerRollCall(): Response {
  return answer("here", null);
}

/** Answers a request for a shard: its bytes, "ask again", or an error as data. `token` goes to the host. */
export async function deliverShard(id: string, index: number, token: Token | null): Promise<Response> {
  const key = `${String(index)} ${id}`;
  const job = jobs.get(key) ?? start(key, id, index, token);
  job.asked();
  try {
    const bytes = await Promise.race([
      job.bytes,
      new Promise<null>((resolve) => setTimeout(() => resolve(null), ANSWER_WITHIN_MS)),
    ]);
    return bytes ? answer("shard", bytes) : answer("ask again", null);
  } catch (error) {
    if (error instanceof FileChanged) return answer("file changed", error.message);
    return answer("error", JSON.stringify(EngineError.record(error)));
  }
}

function start(key: string, id: string, index: number, token: Token | null): Job {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const asked = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(), ABANDONED_AFTER_MS);
  };
  const bytes = run(id, index, token, stop.signal).finally(() => {
    clearTimeout(timer);
    jobs.delete(key);
  });
  bytes.catch(() => undefined); // whoever asks hears of it
  const job: Job = { bytes, asked };
  jobs.set(key, job);
  return job;
}

async function run(id: string, index: number, token: Token | null, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const record = await readRecord(id);
  if (!record) throw new EngineError("aborted", "The model was removed while it was downloaded.");
  const channel = progressChannel();
  let saidMs = 0;
  const onBytes = (arrivedBytes: number): void => {
    if (performance.now() - saidMs < PROGRESS_INTERVAL_MS) return;
    saidMs = performance.now();
    channel.postMessage({ id, index, arrivedBytes } satisfies ShardProgress);
  };
  try {
    return await obtainShard(record, index, { network: NETWORK, token, signal, onBytes });
  } finally {
    channel.close();
  }
}

function answer(kind: Answer, body: BodyInit | null): Response {
  const headers = { [FROM_SERVICE_WORKER]: kind, "Content-Type": "application/octet-stream" };
  return new Response(body, { status: body === null ? 204 : 200, headers });
}
