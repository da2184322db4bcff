// A GPU kernel as plain data: its WGSL, and what the text itself says of bindings and overrides.

/** How a kernel uses a buffer. */
export type BindingUse = "read" | "write" | "uniform";

export interface Binding {
  /** Name of the variable in the WGSL: "queries". */
  readonly name: string;
  readonly index: number;
  readonly use: BindingUse;
}

/** A compute shader, or a part of one, ready to be joined with others. */
export interface Kernel {
  /** Name of its file; the label in profiles and tests. */
  readonly name: string;
  readonly wgsl: string;
  readonly bindings: readonly Binding[];
  /** Names of its `override` numbers. */
  readonly overrides: ReadonlySet<string>;
}

const BINDING = /@binding\((\d+)\)\s*var<(uniform|storage,\s*read(?:_write)?)>\s*(\w+)/g;
const OVERRIDE = /^override\s+(\w+)/gm;
const DIRECTIVE = /^(?:enable|requires|diagnostic)\b.*;.*$/gm;

/**
 * One kernel out of several WGSL texts. Their enable, requires and diagnostic lines come first, once each; the order of the rest
 * does not matter to WGSL.
 */
export function kernel(name: string, ...texts: readonly string[]): Kernel {
  const directives = new Set(texts.flatMap((text) => text.match(DIRECTIVE) ?? []));
  const wgsl = [...directives, ...texts.map((text) => text.replace(DIRECTIVE, ""))].join("\n");
  const bindings = [...wgsl.matchAll(BINDING)].map(([, index, use, name]) => ({
    name: name!,
    index: Number(index),
    use: useOf(use!),
  }));
  return { name, wgsl, bindings, overrides: new Set([...wgsl.matchAll(OVERRIDE)].map((match) => match[1]!)) };
}

function useOf(addressSpace: string): BindingUse {
  if (addressSpace === "uniform") return "uniform";
  return addressSpace.endsWith("read_write") ? "write" : "read";
}
