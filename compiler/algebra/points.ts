/** @file Points along an axis at which a condition on it changes, made of sizes alone. */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import { openedOrder } from "./opened";

/** The points at which a select inside `values` changes sides along `index`: t < n ? … : … gives n. */
export function cutsOf(builder: GraphBuilder, values: readonly Value[], index: Index): readonly Value[] {
  const found = new Set<Value>();
  for (const node of openedOrder(builder, values)) {
    if (node.kind === "select") {
      const point = changeOf(builder, node.condition, index);
      if (point !== undefined) found.add(point);
    }
  }
  return [...found];
}

/** The point at which an affine condition on `index` changes: `index` < point, or its contrary. */
export function changeOf(builder: GraphBuilder, condition: Value, index: Index): Value | undefined {
  if (condition.kind !== "less" || condition.right !== builder.zero) return undefined;
  const { constant, terms } = asLinear(condition.left);
  const own = terms.find(([, term]) => term === index);
  const rest = terms.filter(([, term]) => term !== index);
  if (own === undefined || Math.abs(own[0]) !== 1 || rest.some(([, term]) => term.free.length > 0 || !term.facts.integer || !isOfSizes(builder, term))) return undefined;
  // t + rest < 0 is t < −rest; rest − t < 0 is t ≥ rest + 1.
  return own[0] > 0 ? builder.linear(-constant, rest.map(([k, t]) => [-k, t] as const)) : builder.linear(constant + 1, rest);
}

/** Whether a value is known before anything is computed. */
const isOfSizes = (builder: GraphBuilder, value: Value): boolean => openedOrder(builder, [value]).every(({ kind }) => kind !== "slot" && kind !== "load" && kind !== "reduce");
