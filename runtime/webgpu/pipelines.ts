/** @file Compiled dispatches of one device, each text compiled once. */

import type { Dispatch } from "../../compiler/program";
import { InternalError, KvernError } from "../../spec/diagnostics/diagnostic";
import type { Gpu } from "./gpu";

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** WebGPU's `GPUShaderStage.COMPUTE`, which Node has no global of. */
const COMPUTE = 4;

export class Pipelines {
  readonly #gpu: Gpu;
  readonly #made = new Map<string, Promise<Pipeline>>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** How many texts have been compiled. */
  get count(): number {
    return this.#made.size;
  }

  /** @throws InternalError with the text and what the device says of it, when it does not compile */
  get(dispatch: Dispatch): Promise<Pipeline> {
    const bindings = bufferTypes(dispatch);
    const key = `${bindings.join(" ")}\n${dispatch.code}`;
    let made = this.#made.get(key);
    if (made === undefined) {
      made = this.#compile(dispatch, bindings);
      this.#made.set(key, made);
      made.catch(() => this.#made.delete(key));
    }
    return made;
  }

  async #compile({ name, code }: Dispatch, bindings: readonly GPUBufferBindingType[]): Promise<Pipeline> {
    const gpu = this.#gpu;
    const { device } = gpu;
    const what = `compiling ${name}`;
    let module: GPUShaderModule | undefined;
    try {
      // The layout is spelled out rather than derived: a derived one leaves out what a text happens not to use.
      const { layout, whole } = await gpu.scoped(what, () => {
        module = device.createShaderModule({ label: name, code });
        const layout = device.createBindGroupLayout({
          label: name,
          entries: bindings.map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type } })),
        });
        return { layout, whole: device.createPipelineLayout({ label: name, bindGroupLayouts: [layout] }) };
      });
      if (module === undefined) throw new InternalError(`${what} made no module`);
      const compiled = device.createComputePipelineAsync({ label: name, layout: whole, compute: { module, entryPoint: "main" } });
      return { pipeline: await gpu.alive(what, compiled), layout };
    } catch (fault) {
      if (fault instanceof KvernError) throw fault;
      const said = module === undefined ? [] : await messages(module);
      const reason = fault instanceof Error ? fault.message : String(fault);
      throw new InternalError(`${what}: ${[reason, ...said].join("\n")}\n${numbered(code)}`, { cause: fault });
    }
  }
}

function bufferTypes({ bindings, uniforms }: Dispatch): readonly GPUBufferBindingType[] {
  const types = bindings.map(({ access }): GPUBufferBindingType => (access === "read" ? "read-only-storage" : "storage"));
  return uniforms.length > 0 ? [...types, "uniform"] : types;
}

async function messages(module: GPUShaderModule): Promise<readonly string[]> {
  const info = await module.getCompilationInfo().catch(() => undefined);
  return (info?.messages ?? []).map(({ type, lineNum, linePos, message }) => `${lineNum}:${linePos} ${type}: ${message}`);
}

function numbered(code: string): string {
  return code.split("\n").map((line, at) => `${String(at + 1).padStart(4)}  ${line}`).join("\n");
}
