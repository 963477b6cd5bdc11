/** @file Keys: small integers read from an array, by which values can be tabulated or grouped. */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Index, Load, Value } from "../../spec/graph/node";
import { candidates } from "./folds";
import { loadsIn } from "./opened";
import { show } from "./show";

/** Tables longer than this are not worth listing. */
const MOST_VALUES = 2 ** 16;

/** The loads of packed integers in `value` that depend on the index called `position`. */
export function keysIn(builder: GraphBuilder, value: Value, position: string): readonly Load[] {
  return loadsIn(builder, value).filter((load) => load.tensor.element.kind === "uint" && load.facts.high < MOST_VALUES && load.free.includes(position));
}

const loops = new WeakMap<Graph, ReadonlySet<string>>();

/** The axes that outermost loops run over: what leaves such a loop is computed less often. */
export function loopAxes(builder: GraphBuilder, graph: Graph): ReadonlySet<string> {
  let axes = loops.get(graph);
  if (axes === undefined) {
    axes = new Set(candidates(builder, graph).map(({ axis }) => axis));
    loops.set(graph, axes);
  }
  return axes;
}

/** The axis of a key's values. */
export const valuesAxis = (key: Load): { readonly name: string; readonly extent: number } => ({ name: `${key.tensor.name}.value`, extent: key.facts.high + 1 });

/** A free index over the values of a key that none of `others` mentions. */
export function valueIndex(builder: GraphBuilder, key: Load, others: readonly Value[]): Index | undefined {
  const { name, extent } = valuesAxis(key);
  let k = 0;
  while (others.some(({ free }) => free.includes(`${name}@${k}`))) k++;
  const index = builder.index(name, builder.constant(extent), k);
  return index.kind === "index" ? index : undefined;
}

/**
 * Why `value` cannot be computed for every value of a key, also for values that no element has: an access that would
 * leave its array. Undefined where it can.
 */
export function outOfReach(builder: GraphBuilder, graph: Graph, value: Value, index: Index): string | undefined {
  const extents = new Map(graph.axes.map(({ name, extent }) => [name, extent]));
  for (const load of loadsIn(builder, value)) {
    for (const [at, position] of load.indices.entries()) {
      if (!position.free.includes(index.name)) continue;
      const axis = load.tensor.axes[at] ?? "";
      const extent = extents.get(axis);
      if (extent === undefined) return `the size of ${axis} is not fixed, so ${show(builder, load)} may not exist for every value of the key`;
      if (position.facts.low < 0 || position.facts.high >= extent) return `${show(builder, load)} does not exist for every value of the key: ${axis} has ${extent} positions, the key up to ${position.facts.high + 1}`;
    }
  }
  return undefined;
}
