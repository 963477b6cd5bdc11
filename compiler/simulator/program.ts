/** @file Runs the kernels of a program in the simulator, one after the other, over memory that nothing has written. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { storedValues } from "../../spec/tensor/storage";
import type { TensorData } from "../../spec/tensor/tensor";
import { Bounder } from "../kernel/bounds";
import type { Kernel } from "../kernel/kernel";
import type { Fault, Memory } from "./memory";
import { Faults, simulate, storage, type SimulationOptions } from "./simulate";

export interface SimulatedProgram {
  /** By name, in logical order; NaN where nothing was written. */
  readonly outputs: Readonly<Record<string, Float64Array>>;
  readonly faults: readonly Fault[];
  readonly barriers: number;
  readonly loads: number;
  readonly stores: number;
}

/**
 * @param builder the one of the kernels
 * @param sizes of all axes that the kernels leave open
 */
export function simulateProgram(
  builder: GraphBuilder, { inputs: given, outputs: declared }: Pick<Graph, "inputs" | "outputs">, { kernels }: { readonly kernels: readonly Kernel[] },
  inputs: Readonly<Record<string, TensorData>>, sizes: Readonly<Record<string, number>>, warp: SimulationOptions["warp"] = 32,
): SimulatedProgram {
  const faults = new Faults();
  const measure = new Bounder((axis) => {
    const size = sizes[axis];
    if (size === undefined) throw new InternalError(`the axis ${axis} has no size in the simulator`);
    return [size, size];
  });
  const values = new Map<string, ArrayLike<number>>();
  for (const { name, element } of given) {
    const tensor = inputs[name];
    if (tensor !== undefined) values.set(name, storedValues(element, tensor));
  }
  let [barriers, loads, stores] = [0, 0, 0];
  for (const kernel of kernels) {
    const memory = new Map<string, Memory>();
    for (const array of kernel.arrays) {
      if ((array.space !== "input" && array.space !== "buffer") || array.arena !== undefined) continue;
      const shape = array.shape.map((extent) => measure.of(extent)[1]);
      memory.set(array.name, storage(array, shape, faults, values.get(array.name)));
    }
    const run = simulate(kernel, { builder, sizes, storage: memory, warp }, faults);
    barriers += run.barriers;
    loads += run.loads;
    stores += run.stores;
    for (const [name, each] of memory) {
      // Another dispatch reads what this one has written; what it has not written is NaN there, and spreads.
      if (each.space === "buffer") values.set(name, each.values);
    }
  }
  const outputs = Object.fromEntries(declared.map(({ name }) => [name, Float64Array.from(values.get(name) ?? [])]));
  return { outputs, faults: faults.list, barriers, loads, stores };
}
