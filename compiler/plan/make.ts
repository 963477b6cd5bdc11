/** @file The first plan: a dispatch for every output and for every reduction that is worth storing. */

import type { GraphBuilder } from "../../spec/graph/builder";
import { InternalError, refuse } from "../../spec/diagnostics/diagnostic";
import type { Graph, Index, Store, Tensor, Value } from "../../spec/graph/node";
import { infinityTested } from "../../spec/interpreter/infinity";
import { infinitiesOf, isInfinite } from "../kernel/infinities";
import type { KernelArray } from "../kernel/kernel";
import type { DeviceLimits } from "../program";
import { fitArrays } from "./fit";
import { freeIndices } from "./free";
import { materialise } from "./materialise";
import { arraysRead, type Plan, type Unit } from "./plan";
import { Temporaries } from "./temporaries";

/** The arrays of a graph's signature. */
export function storageArrays(builder: GraphBuilder, graph: Graph): { readonly inputs: readonly KernelArray[]; readonly outputs: readonly KernelArray[] } {
  const sizes = new Map<string, Value>();
  for (const { name, extent, parts } of graph.axes) {
    const own = extent === undefined ? builder.extent(name) : builder.constant(extent);
    sizes.set(name, parts === undefined ? own : builder.add(...parts.map((part) => sizes.get(part) ?? undeclared(part))));
  }
  const shape = (tensor: Tensor): readonly Value[] => tensor.axes.map((axis) => sizes.get(axis) ?? undeclared(axis));
  const tested = infinityTested(graph);
  const inputs = graph.inputs.map((tensor): KernelArray => ({ name: tensor.name, shape: shape(tensor), element: tensor.element, space: "input", infinite: tested.has(tensor.name) }));
  const outputs = graph.outputs.map((tensor): KernelArray => {
    const infinite = graph.stores.some(({ output, value }) => output.name === tensor.name && isInfinite(infinitiesOf(value)));
    return { name: tensor.name, shape: shape(tensor), element: tensor.element, space: "buffer", infinite };
  });
  return { inputs, outputs };
}

/**
 * @throws KvernError KV4101 when an expression reads more arrays than the device binds; KV4103 when an output has the name
 * of an input
 */
export function makePlan(builder: GraphBuilder, graph: Graph, limits: DeviceLimits): Plan {
  const { inputs, outputs } = storageArrays(builder, graph);
  for (const { name } of outputs) {
    if (inputs.some((input) => input.name === name)) {
      refuse({ code: "KV4103", message: `\`${graph.name}\` has an input and an output called \`${name}\``, expected: "names that differ", mend: "Rename the input; a single output is called `out`." });
    }
  }
  const byName = new Map(outputs.map((array) => [array.name, array]));
  const stored = graph.stores.map((store): Unit => {
    const array = byName.get(store.output.name);
    if (array === undefined) throw new InternalError(`${store.output.name} is stored and is no output`);
    return { array, axes: axesOf(store), indices: store.indices, value: store.value };
  });
  const temporaries = new Temporaries(builder, [...inputs, ...outputs].map(({ name }) => name));
  const once = materialise(builder, stored, temporaries, limits.maxStorageBufferBindingSize);
  const units = fitArrays(builder, graph.name, once, temporaries, limits.maxStorageBuffersPerShaderStage);
  return {
    name: graph.name,
    builder,
    arrays: new Map([...inputs, ...outputs, ...temporaries.arrays].map((array) => [array.name, array])),
    temporaries: temporaries.arrays.map(({ name }) => name),
    // What fills an array without elements has nothing to do.
    units: ordered([...temporaries.units, ...units]).filter(({ array }) => !array.shape.includes(builder.zero)),
  };
}

function undeclared(axis: string): never {
  throw new InternalError(`the axis ${axis} is not declared`);
}

/** The free indices of a store, in the order in which its indices mention them. */
function axesOf({ indices }: Store): readonly Index[] {
  const axes = new Map<string, Index>();
  for (const index of indices) for (const [name, free] of freeIndices(index)) axes.set(name, free);
  return [...axes.values()];
}

/** Units after those that fill what they read. */
function ordered(units: readonly Unit[]): readonly Unit[] {
  const order = new Set<Unit>();
  const visit = (unit: Unit, above: ReadonlySet<Unit>): void => {
    if (order.has(unit)) return;
    if (above.has(unit)) throw new InternalError(`${unit.array.name} is computed from itself`);
    const read = arraysRead([unit.value, ...unit.indices]);
    const under = new Set(above).add(unit);
    for (const other of units) if (read.has(other.array.name)) visit(other, under);
    order.add(unit);
  };
  for (const unit of units) visit(unit, new Set());
  return [...order];
}
