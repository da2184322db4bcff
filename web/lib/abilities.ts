// What this browser can do, asked before anything is downloaded.

/** The ways a model could run here. */
export interface Abilities {
  readonly webgpu: boolean;
  readonly wasmSimd: boolean;
}

// (module (func (result v128) i32.const 0 i8x16.splat)): only an engine with SIMD128 accepts it
const SIMD_MODULE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

/** Looks for WebGPU and for WebAssembly SIMD. An adapter is not asked for: that is the engine's to find out. */
export function abilities(): Abilities {
  const wasmSimd = typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(SIMD_MODULE));
  return { webgpu: "gpu" in navigator, wasmSimd };
}

declare global {
  interface Navigator {
    /** Chromium alone has it. */
    readonly connection?: { readonly saveData?: boolean };
  }
}

/** Whether the person asked to be spared downloads that nobody started. */
export function savesData(): boolean {
  return navigator.connection?.saveData === true || matchMedia("(prefers-reduced-data: reduce)").matches;
}
