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
  readonly #ready = new Map<string, Pipeline>();

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
    const key = keyOf(dispatch);
    let made = this.#made.get(key);
    if (made === undefined) {
      made = this.#compile(dispatch, bindings);
      this.#made.set(key, made);
      made.then((pipeline) => this.#ready.set(key, pipeline), () => this.#made.delete(key));
    }
    return made;
  }

  /** At once: what has been compiled before, else new and not yet judged. That is for the error scopes around the call; then it may be kept. */
  now(dispatch: Dispatch): Pipeline {
    const ready = this.#ready.get(keyOf(dispatch));
    if (ready !== undefined) return ready;
    const { name, code } = dispatch;
    const { device } = this.#gpu;
    const module = device.createShaderModule({ label: name, code });
    const { layout, whole } = this.#layouts(name, bufferTypes(dispatch));
    return { pipeline: device.createComputePipeline({ label: name, layout: whole, compute: { module, entryPoint: "main" } }), layout };
  }

  /** Keeps a pipeline that was made by `now` and has been found valid. */
  keep(dispatch: Dispatch, pipeline: Pipeline): void {
    const key = keyOf(dispatch);
    this.#ready.set(key, pipeline);
    if (!this.#made.has(key)) this.#made.set(key, Promise.resolve(pipeline));
  }

  /** The layout is spelled out rather than derived: a derived one leaves out what a text happens not to use. */
  #layouts(label: string, bindings: readonly GPUBufferBindingType[]): { readonly layout: GPUBindGroupLayout; readonly whole: GPUPipelineLayout } {
    const { device } = this.#gpu;
    const layout = device.createBindGroupLayout({ label, entries: bindings.map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type } })) });
    return { layout, whole: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }) };
  }

  async #compile({ name, code }: Dispatch, bindings: readonly GPUBufferBindingType[]): Promise<Pipeline> {
    const gpu = this.#gpu;
    const { device } = gpu;
    const what = `compiling ${name}`;
    let module: GPUShaderModule | undefined;
    try {
      const { layout, compiled } = await gpu.scoped(what, () => {
        module = device.createShaderModule({ label: name, code });
        const { layout: own, whole } = this.#layouts(name, bindings);
        // Begun before the module is judged, so that the device compiles it while the next text is read.
        const begun = device.createComputePipelineAsync({ label: name, layout: whole, compute: { module, entryPoint: "main" } });
        // Of a module that is refused there is no more to say.
        begun.catch(() => undefined);
        return { layout: own, compiled: begun };
      });
      return { pipeline: await gpu.alive(what, compiled), layout };
    } catch (fault) {
      if (fault instanceof KvernError) throw fault;
      const said = module === undefined ? [] : await messages(gpu, module);
      const reason = fault instanceof Error ? fault.message : String(fault);
      throw new InternalError(`${what}: ${[reason, ...said].join("\n")}\n${numbered(code)}`, { cause: fault });
    }
  }
}

const keyOf = (dispatch: Dispatch): string => `${bufferTypes(dispatch).join(" ")}\n${dispatch.code}`;

function bufferTypes({ bindings, uniforms }: Dispatch): readonly GPUBufferBindingType[] {
  const types = bindings.map(({ access }): GPUBufferBindingType => (access === "read" ? "read-only-storage" : "storage"));
  return uniforms.length > 0 ? [...types, "uniform"] : types;
}

async function messages(gpu: Gpu, module: GPUShaderModule): Promise<readonly string[]> {
  const info = await gpu.alive("asking for the compiler's messages", module.getCompilationInfo()).catch(() => undefined);
  return (info?.messages ?? []).map(({ type, lineNum, linePos, message }) => `${lineNum}:${linePos} ${type}: ${message}`);
}

function numbered(code: string): string {
  return code.split("\n").map((line, at) => `${String(at + 1).padStart(4)}  ${line}`).join("\n");
}
