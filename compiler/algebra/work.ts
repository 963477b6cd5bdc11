/**
 * @file Counts what a graph costs if every opened value is computed once for each combination of its free axes: what
 * sharing by hash-consing gives, before anything is scheduled.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import type { Work } from "./derived";
import { openedOrder, roots } from "./opened";

/** Sizes of axes without a fixed extent. */
export type AxisSizes = Readonly<Record<string, number>>;

export const NO_WORK: Work = { loads: 0, operations: 0, special: 0 };

export const plus = (a: Work, times: number, b: Work): Work => ({
  loads: a.loads + times * b.loads,
  operations: a.operations + times * b.operations,
  special: a.special + times * b.special,
});

/** The size of an axis, for given sizes; NaN where one is missing. */
export function sizeOf(extent: Value, sizes: AxisSizes): number {
  const of = (value: Value): number => sizeOf(value, sizes);
  switch (extent.kind) {
    case "constant": return extent.value;
    case "extent": return sizes[extent.axis] ?? NaN;
    case "linear": return extent.terms.reduce((sum, [k, term]) => sum + k * of(term), extent.constant);
    case "quotient": return Math.floor(of(extent.left) / of(extent.right));
    case "smaller": return Math.min(of(extent.left), of(extent.right));
    case "larger": return Math.max(of(extent.left), of(extent.right));
    default: return NaN;
  }
}

/** What one evaluation of a node costs beyond its parts; arithmetic on positions is free. */
function ownWork(node: Value): Work {
  const operations = (count: number): Work => ({ ...NO_WORK, operations: count });
  if (node.kind === "load") return { ...NO_WORK, loads: 1 };
  if (node.kind === "table") return { ...NO_WORK, loads: 1 };
  if (node.facts.integer) return NO_WORK;
  switch (node.kind) {
    case "apply": return { ...NO_WORK, special: 1 };
    case "linear": return operations(node.terms.length - 1 + Number(node.constant !== 0) + node.terms.filter(([k]) => Math.abs(k) !== 1).length);
    case "product": return { loads: 0, operations: node.factors.length - 1, special: node.factors.filter(([, e]) => e < 0 || !Number.isInteger(e)).length };
    case "select": case "larger": case "smaller": return operations(1);
    default: return NO_WORK;
  }
}

/** The work of all stores for the given sizes; NaN where a size is missing. */
export const workOf = (builder: GraphBuilder, graph: Graph, sizes: AxisSizes): Work => workOfValues(builder, roots(graph), sizes);

/** The work of values, each computed once for every combination of its free axes. */
export function workOfValues(builder: GraphBuilder, values: readonly Value[], sizes: AxisSizes): Work {
  const nodes = openedOrder(builder, values);
  const extents = new Map<string, number>();
  for (const node of nodes) if (node.kind === "index") extents.set(node.name, Math.max(extents.get(node.name) ?? 0, sizeOf(node.extent, sizes)));
  const positions = (free: readonly string[]): number => free.reduce((count, name) => count * (extents.get(name) ?? NaN), 1);
  let total = NO_WORK;
  for (const node of nodes) {
    if (node.kind !== "reduce") {
      total = plus(total, positions(node.free), ownWork(node));
      continue;
    }
    const { index, where } = builder.open(node);
    // A guard `key = v` holds for one v at each position: summing by key is one addition a position, over all v.
    const guards = where.kind === "and" ? where.of : [where];
    const [key] = guards.flatMap((guard) => (guard.kind === "equal" ? [guard.left, guard.right].filter((side) => side.kind === "index" && side !== index) : []));
    const share = key?.kind === "index" ? 1 / (extents.get(key.name) ?? NaN) : 1;
    total = plus(total, positions(node.free) * sizeOf(node.extent, sizes) * share, { ...NO_WORK, operations: 1 });
  }
  return total;
}
