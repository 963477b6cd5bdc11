/** @file A few elements of a kernel's outputs as the reference interpreter has them: what a plan must give to be taken. */

import type { Index, Store, Value } from "../../spec/graph/node";
import { interpretWithBound } from "../../spec/interpreter";
import type { Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor/tensor";
import type { Loaded } from "../lowering";

export interface Sample {
  readonly output: string;
  /** The number of the element in row-major order. */
  readonly at: number;
  readonly value: number;
  readonly bound: number;
}

/** The first, the middle and the last element of each output, with their bounds: an element costs a run through what it reads. */
export function samples({ builder, graph }: Pick<Loaded, "builder" | "graph">, inputs: Readonly<Record<string, TensorData>>, sizes: Sizes): readonly Sample[] {
  const bound = new Set(graph.inputs.flatMap(({ axes }) => axes));
  const set = Object.fromEntries(graph.axes.flatMap(({ name, extent, parts }) => (extent === undefined && parts === undefined && !bound.has(name) ? [[name, sizes[name] ?? 0]] : [])));
  return graph.stores.flatMap((store): readonly Sample[] => {
    const shape = store.output.axes.map((axis) => sizes[axis] ?? 0);
    const count = shape.reduce((all, size) => all * size, 1);
    // An output whose indices are its own axes is asked element by element.
    if (count === 0 || !store.indices.every((index) => index.kind === "index" || index.kind === "constant")) return [];
    return [...new Set([0, Math.floor(count / 2), count - 1])].map((at) => {
      const output = { name: store.output.name, element: store.output.element, axes: [] };
      const one: Store = { output, indices: [], value: builder.substitute(store.value, positions(store, shape, at, (position) => builder.constant(position))) };
      const [tensor] = Object.values(interpretWithBound({ ...graph, outputs: [output], stores: [one], obligations: [] }, inputs, { set }));
      return { output: output.name, at, value: tensor?.data[0] ?? NaN, bound: tensor?.bound[0] ?? 0 };
    });
  });
}

/** What the indices of a store are at an element. */
function positions({ indices }: Store, shape: readonly number[], at: number, constant: (position: number) => Value): ReadonlyMap<Value, Value> {
  const moves = new Map<Value, Value>();
  let rest = at;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    const index = indices[axis];
    if (isIndex(index)) moves.set(index, constant(rest % size));
    rest = Math.floor(rest / size);
  }
  return moves;
}

const isIndex = (value: Value | undefined): value is Index => value?.kind === "index";
