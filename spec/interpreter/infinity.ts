/** @file Which inputs a graph asks for infinities: those of which an element is compared with one. */

import { postOrder } from "../graph/children";
import type { Graph, Tensor } from "../graph/node";

type Infinities = NonNullable<Tensor["infinities"]>;

/** Names of the inputs that may hold infinities, because the graph tests for them: `x(…) === -Infinity`. */
export const infinityTested = (graph: Graph): ReadonlySet<string> => new Set(infinitiesTested(graph).keys());

/** The same, with the infinities that they are tested for. */
export function infinitiesTested(graph: Graph): ReadonlyMap<string, Infinities> {
  const tested = new Map<string, Infinities>();
  for (const value of postOrder(graph.stores.map((store) => store.value))) {
    if (value.kind !== "equal" || value.right.kind !== "constant" || Number.isFinite(value.right.value)) continue;
    if (value.left.kind !== "load") continue;
    const { name } = value.left.tensor;
    const known = tested.get(name) ?? { negative: false, positive: false };
    tested.set(name, value.right.value < 0 ? { ...known, negative: true } : { ...known, positive: true });
  }
  return tested;
}
