// How fast a WGSL kernel reads memory on this page's GPU: every invocation sums vectors of 16 bytes, strided as a matrix's rows are.

const READ = /* wgsl */ `
@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4u>; // [invocations]
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let invocations = groups.x * 64u;
  var sum = vec4u(0u);
  for (var i = id.x; i < arrayLength(&source); i += invocations) {
    sum += source[i];
  }
  result[id.x] = sum;
}`;

const BYTES = 128 * 2 ** 20; // every adapter binds as much, and no cache holds it
const GROUPS = 1024;
/** Reads in one submit: enough that the submit does not count. */
const READS = 4;

/** Bytes per second; null where the page has no WebGPU. */
export async function gpuBandwidth(): Promise<number | null> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const device = await adapter.requestDevice();
  const source = device.createBuffer({ size: BYTES, usage: GPUBufferUsage.STORAGE });
  const result = device.createBuffer({ size: GROUPS * 64 * 16, usage: GPUBufferUsage.STORAGE });
  const module = device.createShaderModule({ code: READ });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [source, result].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const read = async (): Promise<number> => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let count = 0; count < READS; count++) pass.dispatchWorkgroups(GROUPS);
    pass.end();
    const start = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (BYTES * READS * 1000) / (performance.now() - start);
  };
  await read(); // the first run compiles
  const bytesPerSecond = await read();
  device.destroy();
  return bytesPerSecond;
}

/** The adapter and what it offers, in one line; null where the page has no WebGPU. */
export async function gpuDescription(): Promise<string | null> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const { vendor, architecture, device, description } = adapter.info;
  const has = ["shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature));
  return `${[vendor, architecture, device, description].filter(Boolean).join(" ")} (${has.join(", ") || "neither f16 nor subgroups"})`;
}
