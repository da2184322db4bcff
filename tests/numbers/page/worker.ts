// Loads the served model into the WASM backend and compares its logits with the served truth.
import { EngineError } from "../../../workers/engine/base/errors.ts";
import { type ByteSource, SHARD_BYTES } from "../../../workers/engine/base/source.ts";
import { openCpu } from "../../../workers/engine/cpu/open.ts";
import { createWebHost } from "../../workers/engine/cpu/page/web-host.ts";
import { distance } from "../distance.ts";
import { logitsAlong, open } from "../engines.ts";
import type { Answer, Job } from "./job.ts";

self.onmessage = async ({ data }: MessageEvent<Job>) => self.postMessage(await measure(data));

async function measure({ level, threads, sizeBytes, vocab, ids }: Job): Promise<Answer> {
  try {
    const truth = { vocab, values: new Float32Array(await (await fetch("/truth")).arrayBuffer()) };
    const options = { threads, ...(level && { level }) };
    const opened = await open((...args) => openCpu(...args, options), createWebHost(), served(sizeBytes));
    const found = distance(truth, await logitsAlong(opened, ids));
    opened.backend.dispose();
    return { found: { ...found, info: opened.info } };
  } catch (error) {
    if (error instanceof EngineError && error.code === "no_wasm_simd") return { found: null };
    return { error: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error) };
  }
}

function served(sizeBytes: number): ByteSource {
  const read = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const range = `bytes=${offset}-${Math.min(offset + length, sizeBytes) - 1}`;
    return new Uint8Array(await (await fetch("/model", { headers: { Range: range } })).arrayBuffer());
  };
  return { name: "served", sizeBytes, read, shard: (index) => read(index * SHARD_BYTES, SHARD_BYTES) };
}
