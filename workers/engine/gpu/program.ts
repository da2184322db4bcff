// Kernels with their numbers filled in, compiled once each.
import type { Kernel } from "../../../shaders/kernel.ts";
import { assert } from "../base/errors.ts";

/** A kernel and its overrides. */
export interface Program {
  readonly key: string;
  readonly kernel: Kernel;
  readonly constants: Readonly<Record<string, number>>;
}

const BUFFER_TYPES = { read: "read-only-storage", write: "storage", uniform: "uniform" } as const;

/** Compiles programs and binds buffers to them. */
export class Programs {
  private readonly modules = new Map<string, GPUShaderModule>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly pipelines = new Map<string, GPUComputePipeline>();
  private readonly waiting = new Map<string, Promise<void>>();

  constructor(private readonly device: GPUDevice) {}

  /** A kernel with these numbers; those it does not have are left out. */
  program(kernel: Kernel, constants: Readonly<Record<string, number>>): Program {
    const used = Object.fromEntries(Object.entries(constants).filter(([name]) => kernel.overrides.has(name)));
    return { kernel, constants: used, key: `${kernel.name} ${JSON.stringify(used)}` };
  }

  /** Compiles what is not compiled yet, all at once, off this thread. Throws what the compiler says. */
  async compile(programs: Iterable<Program>): Promise<void> {
    const tasks: Promise<void>[] = [];
    for (const program of programs) {
      if (this.pipelines.has(program.key)) continue;
      const task = this.waiting.get(program.key) ?? this.compileOne(program);
      this.waiting.set(program.key, task);
      tasks.push(task);
    }
    await Promise.all(tasks);
  }

  private async compileOne(program: Program): Promise<void> {
    this.pipelines.set(program.key, await this.device.createComputePipelineAsync(this.descriptor(program)));
    this.waiting.delete(program.key);
  }

  /** The pipeline of a program; compiled here and now if compile() has not been called. */
  pipeline(program: Program): GPUComputePipeline {
    const ready = this.pipelines.get(program.key) ?? this.device.createComputePipeline(this.descriptor(program));
    this.pipelines.set(program.key, ready);
    return ready;
  }

  /** A bind group: a buffer for each variable of the kernel, by name. */
  bind(program: Program, buffers: Readonly<Record<string, GPUBuffer>>): GPUBindGroup {
    const entries = program.kernel.bindings.map(({ name, index }) => {
      const buffer = buffers[name];
      assert(buffer, `${program.kernel.name} has no buffer for "${name}".`);
      return { binding: index, resource: { buffer } };
    });
    return this.device.createBindGroup({ label: program.kernel.name, layout: this.layout(program.kernel), entries });
  }

  private layout(kernel: Kernel): GPUBindGroupLayout {
    const key = JSON.stringify(kernel.bindings.map(({ index, use }) => [index, use]));
    const entries = kernel.bindings.map(({ index, use }) => {
      return { binding: index, visibility: GPUShaderStage.COMPUTE, buffer: { type: BUFFER_TYPES[use] } };
    });
    const layout = this.layouts.get(key) ?? this.device.createBindGroupLayout({ entries });
    this.layouts.set(key, layout);
    return layout;
  }

  private descriptor({ kernel, constants }: Program): GPUComputePipelineDescriptor {
    const { device } = this;
    const module = this.modules.get(kernel.wgsl) ?? device.createShaderModule({ label: kernel.name, code: kernel.wgsl });
    this.modules.set(kernel.wgsl, module);
    const layout = device.createPipelineLayout({ bindGroupLayouts: [this.layout(kernel)] });
    return { label: kernel.name, layout, compute: { module, constants } };
  }
}
