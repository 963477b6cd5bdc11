/** @file A program as gpu.js runs it: its kernels with room for particular sizes, recorded as one pipeline. */

import type { ScriptProgram } from "../../compiler/lower-gpujs";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Sizes } from "../../spec/tensor/check";
import type { CompiledKernel, CompiledPipeline, GpuJs, Handle } from "./library";

/** The name under which the row of live sizes is handed on; no tensor is called so. */
const SIZES = "%sizes";

/** A program with room for some sizes. Every kernel is compiled at the first run. */
export class Chain {
  readonly #kernels: readonly CompiledKernel[];
  /** Absent where no output has an element. */
  readonly #pipeline: CompiledPipeline | undefined;
  readonly #inputs: readonly string[];
  readonly #open: readonly string[];
  readonly #gpu: GpuJs;

  /** @param held inputs that every run has: they go to gpu.js once */
  constructor(gpu: GpuJs, program: ScriptProgram, capacity: Sizes, held: ReadonlyMap<string, Float32Array> = new Map()) {
    const steps = program.steps.filter((step) => step.threads(capacity) > 0);
    const kernels = steps.map((step) => gpu.createKernel(step.source, {
      output: [step.threads(capacity)],
      loopMaxIterations: step.rounds(capacity),
      precision: "single",
      tactic: "precision",
    }));
    this.#kernels = kernels;
    this.#open = program.open;
    this.#gpu = gpu;
    const filled = new Set(steps.map(({ array }) => array));
    const read = new Set(steps.flatMap(({ reads, sized }) => (sized ? [...reads, SIZES] : reads)));
    // What no step fills has no elements, and is never read where it matters; a kernel wants an array all the same.
    this.#inputs = [...read].filter((name) => !filled.has(name) && !held.has(name));
    const outputs = program.outputs.map(({ name }) => name).filter((name) => filled.has(name));
    if (outputs.length === 0) return;
    const record = (...inputs: readonly Handle[]): Record<string, Handle> => {
      const arrays = new Map<string, Handle | Float32Array | undefined>([...held, ...this.#inputs.map((name, at) => [name, inputs[at]] as const)]);
      steps.forEach(({ array, reads, sized }, at) => arrays.set(array, kernels[at]?.(...(sized ? [...reads, SIZES] : reads).map((name) => arrays.get(name)))));
      return Object.fromEntries(outputs.map((name) => [name, (arrays.get(name) ?? missing(name)) as Handle]));
    };
    // gpu.js makes as many handles as the function says it takes.
    this.#pipeline = gpu.createPipeline(Object.defineProperty(record, "length", { value: this.#inputs.length }));
  }

  /**
   * Runs the program; arrays without elements are left out of the result, and those with room for more are longer than
   * what `sizes` give.
   */
  async run(inputs: ReadonlyMap<string, Float32Array>, sizes: Sizes): Promise<ReadonlyMap<string, Float32Array>> {
    if (this.#pipeline === undefined) return new Map();
    const empty = new Float32Array(1);
    const live = Float32Array.from(this.#open, (axis) => sizes[axis] ?? missing(axis));
    const filled = await this.#pipeline(...this.#inputs.map((name) => (name === SIZES ? live : (inputs.get(name) ?? empty))));
    return new Map(Object.entries(filled).map(([name, values]) => [name, values instanceof Float32Array ? values : inOneRow(values)]));
  }

  /** The mode in which the kernels ran, and why if it is not the one asked for; undefined where none ran. */
  get ran(): { readonly mode: string; readonly why: string } | undefined {
    if (this.#pipeline === undefined) return undefined;
    const { backend } = this.#pipeline;
    return { mode: backend === "gpu" ? drawnWith(this.#gpu.context) : backend, why: this.#pipeline.fallbackReason ?? "gpu.js does not say why" };
  }

  destroy(): void {
    this.#pipeline?.destroy();
    for (const kernel of this.#kernels) kernel.destroy();
  }
}

/** What threads returned several at a time. */
function inOneRow(values: readonly Float32Array[]): Float32Array {
  const each = values[0]?.length ?? 0;
  const row = new Float32Array(each * values.length);
  values.forEach((part, at) => row.set(part, at * each));
  return row;
}

/** The mode that gpu.js calls `gpu`, by the context that it has. */
const drawnWith = (context: unknown): string => (isDrawing(context) ? "webgl2" : "webgl");

/** Whether that is what kernels of the mode `webgl2` are drawn with. */
export const isDrawing = (context: unknown): context is WebGL2RenderingContext => typeof WebGL2RenderingContext !== "undefined" && context instanceof WebGL2RenderingContext;

function missing(what: string): never {
  throw new InternalError(`a gpu.js program lacks ${what}`);
}
