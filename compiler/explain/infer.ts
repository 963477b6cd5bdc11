/** @file Sizes that follow from others: a plan can be priced without being told how many groups an axis is cut into. */

import { postOrder } from "../../spec/graph/children";
import type { Graph } from "../../spec/graph/node";
import { Bounder } from "../kernel/bounds";
import type { Sizes } from "../program";

/**
 * For axes without a size that are indexed by positions on other axes: the least size that admits all of those positions.
 * @param given the sizes that are known
 */
export function inferSizes({ obligations }: Graph, given: Sizes): Sizes {
  const inferred: Record<string, number> = {};
  const bounder = new Bounder((axis) => {
    const size = given[axis];
    return size === undefined ? [0, Infinity] : [size, size];
  });
  for (const { claim } of obligations) {
    if (claim.kind !== "inside" || given[claim.axis] !== undefined) continue;
    // What an input holds says nothing about how large an axis is.
    if (postOrder([claim.index]).some(({ kind }) => kind === "load")) continue;
    const least = bounder.of(claim.index)[1] + 1;
    if (Number.isFinite(least)) inferred[claim.axis] = Math.max(inferred[claim.axis] ?? 0, least);
  }
  return inferred;
}
