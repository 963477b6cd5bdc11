/** @file A program as gpu.js runs it: its kernels for particular sizes, recorded as one pipeline. */

import type { ScriptProgram } from "../../compiler/lower-gpujs";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Sizes } from "../../spec/tensor/check";
import type { CompiledKernel, CompiledPipeline, GpuJs, Handle } from "./library";

/** A program for one set of sizes. Building it compiles every kernel at the first run. */
export class Chain {
  readonly #kernels: readonly CompiledKernel[];
  /** Absent where no output has an element. */
  readonly #pipeline: CompiledPipeline | undefined;
  readonly #inputs: readonly string[];

  /** @throws KvernError KV4203 an array with too many elements */
  constructor(gpu: GpuJs, program: ScriptProgram, sizes: Sizes) {
    for (const array of program.arrays.values()) array.elements(sizes);
    const steps = program.steps.filter((step) => step.threads(sizes) > 0);
    const kernels = steps.map((step) => gpu.createKernel(step.source, {
      output: [step.threads(sizes)],
      constants: Object.fromEntries(step.sizes.map((axis, at) => [`n${at}`, sizes[axis] ?? missing(axis)])),
      loopMaxIterations: step.rounds(sizes),
      precision: "single",
      tactic: "precision",
    }));
    this.#kernels = kernels;
    const filled = new Set(steps.map(({ array }) => array));
    const read = new Set(steps.flatMap(({ reads }) => reads));
    // What no step fills has no elements, and is never read where it matters; a kernel wants an array all the same.
    this.#inputs = [...read].filter((name) => !filled.has(name));
    const outputs = program.outputs.map(({ name }) => name).filter((name) => filled.has(name));
    if (outputs.length === 0) return;
    const record = (...inputs: readonly Handle[]): Record<string, Handle> => {
      const arrays = new Map(this.#inputs.map((name, at) => [name, inputs[at]]));
      steps.forEach(({ array, reads }, at) => arrays.set(array, kernels[at]?.(...reads.map((name) => arrays.get(name)))));
      return Object.fromEntries(outputs.map((name) => [name, arrays.get(name) ?? missing(name)]));
    };
    // gpu.js makes as many handles as the function says it takes.
    this.#pipeline = gpu.createPipeline(Object.defineProperty(record, "length", { value: this.#inputs.length }));
  }

  /** Runs the program; arrays without elements are left out of the result. */
  async run(inputs: ReadonlyMap<string, Float32Array>): Promise<ReadonlyMap<string, Float32Array>> {
    if (this.#pipeline === undefined) return new Map();
    const empty = new Float32Array(1);
    return new Map(Object.entries(await this.#pipeline(...this.#inputs.map((name) => inputs.get(name) ?? empty))));
  }

  /** The mode in which the kernels ran, and why if it is not the one asked for; undefined where none ran. */
  get ran(): { readonly mode: string; readonly why: string } | undefined {
    return this.#pipeline === undefined ? undefined : { mode: this.#pipeline.backend, why: this.#pipeline.fallbackReason ?? "gpu.js does not say why" };
  }

  destroy(): void {
    this.#pipeline?.destroy();
    for (const kernel of this.#kernels) kernel.destroy();
  }
}

function missing(what: string): never {
  throw new InternalError(`a gpu.js program lacks ${what}`);
}
