// Keys and values of many tokens go to a cache of bytes. A workgroup a token and KV head. Needs keep() (cache_int8.wgsl).
@group(0) @binding(0) var<storage, read> queries: array<f32>; // [tokens, QUERY_STRIDE]: queries, keys, values
@group(0) @binding(4) var<uniform> state: State;

override HEAD = 8u;
override HEAD8 = 1u; // HEAD / 8, rounded up
override CONTEXT = 1u;
override QUERY_STRIDE = 0u;
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  keep(group.x, group.y, local);
}
