// Memory bandwidth as a kernel sees it: reading 256 MiB (or the largest binding) and writing almost nothing.

const READ = `
@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var sum = vec4u();
  for (var i = id.x; i < arrayLength(&source); i += groups.x * 256) { sum ^= source[i]; }
  sums[id.x] = sum.x ^ sum.y ^ sum.z ^ sum.w;
}`;
const GROUPS = 4096;

/** Bytes a second, best of five. */
export async function bandwidth(device: GPUDevice): Promise<number> {
  const size = Math.min(256 * 2 ** 20, device.limits.maxStorageBufferBindingSize);
  const source = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
  const sums = device.createBuffer({ size: 4 * 256 * GROUPS, usage: GPUBufferUsage.STORAGE });
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: READ }) },
  });
  const entries = [source, sums].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const time = async (repeats: number): Promise<number> => {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(GROUPS);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / repeats;
  };
  await time(1);
  const repeats = Math.max(1, Math.min(20, Math.round(50 / (await time(1)))));
  let best = Infinity;
  for (let i = 0; i < 5; i++) best = Math.min(best, await time(repeats));
  source.destroy();
  sums.destroy();
  return (1000 * size) / best;
}
