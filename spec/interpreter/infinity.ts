/** @file Which inputs a graph asks for infinities: those of which an element is compared with one. */

import { postOrder } from "../graph/children";
import type { Graph } from "../graph/node";

/** Names of the inputs that may hold infinities, because the graph tests for them: `x(…) === -Infinity`. */
export function infinityTested(graph: Graph): ReadonlySet<string> {
  const tested = new Set<string>();
  for (const value of postOrder(graph.stores.map((store) => store.value))) {
    if (value.kind !== "equal" || value.right.kind !== "constant" || Number.isFinite(value.right.value)) continue;
    if (value.left.kind === "load") tested.add(value.left.tensor.name);
  }
  return tested;
}
