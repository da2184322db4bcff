// Counts what a device is asked to do, by wrapping the entry point of WebGPU.

/** Calls of a device and its queue, by name: "dispatchWorkgroups", "submit", "writeBuffer", "createBindGroup", … */
export type Counts = Record<string, number>;

/** The same GPU, whose devices count into `counts`. */
export function counting(gpu: GPU, counts: Counts): GPU {
  const count = <T extends object>(target: T, names: readonly string[], after: (made: unknown) => void = () => undefined): T => {
    for (const name of names) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") continue;
      const wrapped = (...args: unknown[]): unknown => {
        counts[name] = (counts[name] ?? 0) + 1;
        const made: unknown = Reflect.apply(method, target, args);
        after(made);
        return made;
      };
      Object.defineProperty(target, name, { value: wrapped, configurable: true });
    }
    return target;
  };
  const passCalls = ["dispatchWorkgroups", "setPipeline", "setBindGroup"];
  const encoderCalls = ["copyBufferToBuffer", "finish"];
  const onEncoder = (encoder: unknown): void => {
    if (typeof encoder !== "object" || encoder === null || !("beginComputePass" in encoder)) return;
    count(encoder, ["beginComputePass"], (pass) => void (typeof pass === "object" && pass && count(pass, passCalls)));
    count(encoder, encoderCalls);
  };
  const device = (made: GPUDevice): GPUDevice => {
    const creators = methodsOf(made).filter((name) => name.startsWith("create"));
    count(made, creators, onEncoder);
    count(made.queue, ["submit", "writeBuffer"]);
    const { queue } = made;
    Object.defineProperty(made, "queue", { value: queue, configurable: true });
    return made;
  };
  return {
    wgslLanguageFeatures: gpu.wgslLanguageFeatures,
    getPreferredCanvasFormat: () => gpu.getPreferredCanvasFormat(),
    requestAdapter: async (options?: GPURequestAdapterOptions) => {
      const adapter = await gpu.requestAdapter(options);
      if (!adapter) return null;
      const request = adapter.requestDevice.bind(adapter);
      Object.defineProperty(adapter, "requestDevice", { value: async (d?: GPUDeviceDescriptor) => device(await request(d)) });
      return adapter;
    },
    __brand: "GPU",
  };
}

function methodsOf(target: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = target; at; at = Object.getPrototypeOf(at) as object | null) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}
