/** @file Runs scheduled kernels in the simulator, one after the other, over memory that nothing has written. */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { Bounder } from "../../compiler/kernel/bounds";
import type { Scheduled } from "../../compiler/plan/fold/schedule";
import { Faults, simulate, storage } from "../../compiler/simulator/simulate";
import type { Fault, Memory } from "../../compiler/simulator/memory";

export interface Simulated {
  readonly outputs: Readonly<Record<string, Float64Array>>;
  readonly faults: readonly Fault[];
  readonly barriers: number;
  readonly loads: number;
  readonly stores: number;
}

export function runSimulated(
  builder: GraphBuilder, graph: Graph, { kernels }: Scheduled, inputs: Readonly<Record<string, { readonly data: ArrayLike<number> }>>,
  sizes: Readonly<Record<string, number>>, warp: 4 | 32 | 64 = 32,
): Simulated {
  const faults = new Faults();
  const measure = new Bounder((axis) => {
    const size = sizes[axis];
    if (size === undefined) throw new Error(`no size for ${axis}`);
    return [size, size];
  });
  const values = new Map<string, ArrayLike<number>>(Object.entries(inputs).map(([name, { data }]) => [name, data]));
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
  const outputs = Object.fromEntries(graph.outputs.map(({ name }) => [name, Float64Array.from(values.get(name) ?? [])]));
  return { outputs, faults: faults.list, barriers, loads, stores };
}
