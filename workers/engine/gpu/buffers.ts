// GPU memory, counted.
import { EngineError } from "../base/errors.ts";

/** Makes the buffers of one model and frees them together. */
export class Buffers {
  /** Bytes held. */
  bytes = 0;
  private readonly all: GPUBuffer[] = [];

  constructor(readonly device: GPUDevice) {}

  /** A storage buffer of zeros, at least `sizeBytes` long. */
  storage(label: string, sizeBytes: number, extraUsage: GPUBufferUsageFlags = 0): GPUBuffer {
    return this.make(label, sizeBytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC | extraUsage);
  }

  /** Any buffer, at least `sizeBytes` long. Throws `out_of_memory` where one buffer alone is too large. */
  make(label: string, sizeBytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const size = Math.max(32, Math.ceil(sizeBytes / 16) * 16); // whole vec4u; no empty bindings
    if (size > this.device.limits.maxBufferSize) throw tooLarge(label, size, this.device.limits.maxBufferSize);
    const buffer = this.device.createBuffer({ label, size, usage });
    this.bytes += size;
    this.all.push(buffer);
    return buffer;
  }

  dispose(): void {
    for (const buffer of this.all) buffer.destroy();
    this.all.length = 0;
    this.bytes = 0;
  }
}

function tooLarge(label: string, size: number, limit: number): EngineError {
  const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  return new EngineError(
    "out_of_memory",
    `${label} needs ${gigabytes(size)} of GPU memory in one piece; this device allows ${gigabytes(limit)}.`,
    "Choose a smaller model or a shorter context.",
  );
}
