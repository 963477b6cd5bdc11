/** @file A kernel as every backend sees it: its signature, and what only its graph knows of the inputs it admits. */

import type { Graph } from "../spec/graph/node";
import { refuse } from "../spec/diagnostics/diagnostic";
import { infinityTested } from "../spec/interpreter/infinity";
import { bindSizes, checkElements, fixedSizes, list, own, shapeOf, type Signature, type Sizes } from "../spec/tensor/check";
import type { TensorData } from "../spec/tensor/tensor";
import type { BufferTensor, DeviceTensor, RunInput, RunInputs, RunOptions } from "./device";
import { checkRowPlace, type RowPlace } from "./rows";

export interface Kernel {
  readonly name: string;
  readonly signature: Signature;
  /** Whether an input may hold infinities. */
  admitsInfinity(input: string): boolean;
  /**
   * Checks what the compiler could not decide without sizes.
   * @throws KvernError KV2001 an index outside its axis, KV2102 sizes that do not divide
   */
  discharge(sizes: Sizes): void;
}

/** A kernel of which the graph is known. */
export function kernelOf(graph: Graph, discharge: (sizes: Sizes) => void): Kernel {
  const asked = infinityTested(graph);
  return { name: graph.name, signature: graph, admitsInfinity: (input) => asked.has(input), discharge };
}

export const isDeviceTensor = (input: RunInput): input is DeviceTensor => "read" in input && "destroy" in input;
export const isBufferTensor = (input: RunInput): input is BufferTensor => "buffer" in input && !isDeviceTensor(input);

/** A run whose inputs and options have been checked, as far as that does not take a device. */
export interface CheckedRun {
  readonly sizes: Sizes;
  readonly inputs: ReadonlyMap<string, RunInput>;
  /** Names of the outputs that stay on the device, in tensors of their own. */
  readonly kept: ReadonlySet<string>;
  /** Where outputs go that are written into tensors that are there. Their devices have not been looked at. */
  readonly into: ReadonlyMap<string, RowPlace>;
}

/** Checks runs of one kernel under the sizes that are fixed for all of them. */
export class RunCheck {
  readonly #kernel: Kernel;
  readonly #set: Sizes;
  /** The sizes that obligations were last discharged for; a cache grows by a token at a time, but not between layers. */
  #discharged = "";

  /** @throws KvernError KV21nn, see `fixedSizes`; KV2001 and KV2102 where the sizes are all known already */
  constructor(kernel: Kernel, set: Sizes) {
    this.#kernel = kernel;
    this.#set = set;
    const fixed = fixedSizes(kernel.signature, set);
    if (kernel.signature.axes.every(({ name }) => fixed[name] !== undefined)) this.#discharge(fixed);
  }

  /** @throws KvernError as `PreparedKernel.run` */
  check(given: RunInputs, { set = {}, keep = [], device = false, into = {} }: RunOptions): CheckedRun {
    const inputs = recordOf(given);
    const kernel = this.#kernel;
    const { signature } = kernel;
    const sizes = bindSizes(signature, shapesOf(inputs), joined(this.#set, set));
    for (const spec of signature.inputs) {
      const input = own(inputs, spec.name);
      if (input !== undefined && !isDeviceTensor(input) && !isBufferTensor(input)) checkElements(spec, input, kernel.admitsInfinity(spec.name));
    }
    this.#discharge(sizes);
    const outputs = new Set(signature.outputs.map(({ name }) => name));
    const places = new Map(Object.entries(into));
    for (const [option, names] of [["keep", keep], ["into", places.keys()]] as const) {
      for (const name of names) {
        if (!outputs.has(name)) refuse({ code: "KV4009", message: `\`${option}\` names \`${name}\`, which is no output of \`${kernel.name}\``, expected: list(outputs), got: `\`${name}\`` });
      }
    }
    for (const { name, element, axes } of signature.outputs) {
      const place = places.get(name);
      if (place !== undefined) checkRowPlace(`the output \`${name}\` of \`${kernel.name}\``, { element, shape: shapeOf(axes, sizes) }, place);
    }
    const kept = device ? outputs : new Set(keep);
    return { sizes, inputs: new Map(Object.entries(inputs)), kept: new Set([...kept].filter((name) => !places.has(name))), into: places };
  }

  #discharge(sizes: Sizes): void {
    const key = JSON.stringify(sizes);
    if (key === this.#discharged) return;
    this.#kernel.discharge(sizes);
    this.#discharged = key;
  }
}

/** What is given for a record of inputs; of anything else every input is missing. */
function recordOf(inputs: unknown): RunInputs {
  return typeof inputs === "object" && inputs !== null ? (inputs as RunInputs) : {};
}

/** Inputs as far as shapes go; what is no record at all has none. */
function shapesOf(inputs: RunInputs): Readonly<Record<string, { readonly shape: readonly number[] }>> {
  const given = Object.entries(inputs) as readonly (readonly [string, Partial<TensorData> | null | undefined])[];
  const present = given.filter(([, input]) => input !== undefined);
  return Object.fromEntries(present.map(([name, input]) => [name, { shape: input?.shape as readonly number[] }]));
}

/** @throws KvernError KV2103 where a run sets what is fixed to another size */
function joined(fixed: Sizes, set: Sizes): Sizes {
  for (const [axis, size] of Object.entries(set)) {
    const before = own(fixed, axis);
    if (before !== undefined && before !== size) {
      refuse({ code: "KV2103", message: `the axis \`${axis}\` is bound to two sizes`, expected: `${before} (fixed by \`prepare\`)`, got: `${size} (\`set\` of this run)` });
    }
  }
  return { ...fixed, ...set };
}
