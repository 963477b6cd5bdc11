/**
 * @file Cut: where a condition of a body changes along the axis, the axis is cut, and each part has a simpler body. The
 * parts have one state and meet in `merge`, so cutting comes after folding: cut first, and two loops depend on each other.
 *
 *     ⊕_{t < T} (t < n ? a(t) : b(t))   →   merge(⊕_{u < n} a(u), ⊕_{u < T − n} b(n + u))
 */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import type { Fold } from "./derived";
import { openedOrder, replaceOpened } from "./opened";

/** A part of a fold's axis: positions `offset` + `index`, `index` on an axis of its own. */
export interface Segment {
  readonly axis: string;
  readonly extent: Value;
  /** The position within the part; 0 where it has one position. */
  readonly index: Value;
  readonly offset: Value;
  /** By component, in order. */
  readonly bodies: readonly { readonly component: string; readonly body: Value; readonly where: Value }[];
}

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
function changeOf(builder: GraphBuilder, condition: Value, index: Index): Value | undefined {
  if (condition.kind !== "less" || condition.right !== builder.zero) return undefined;
  const { constant, terms } = asLinear(condition.left);
  const own = terms.find(([, term]) => term === index);
  const rest = terms.filter(([, term]) => term !== index);
  if (own === undefined || Math.abs(own[0]) !== 1 || rest.some(([, term]) => term.free.length > 0 || !term.facts.integer || term.kind === "slot")) return undefined;
  // t + rest < 0 is t < −rest; rest − t < 0 is t ≥ rest + 1.
  return own[0] > 0 ? builder.linear(-constant, rest.map(([k, t]) => [-k, t] as const)) : builder.linear(constant + 1, rest);
}

/**
 * A fold in two parts, below `point` and from it on. A point outside 0 … extent leaves one part empty, which is the unit
 * of `merge`.
 */
export function cutFold(builder: GraphBuilder, fold: Fold, point: Value): readonly [below: Segment, above: Segment] {
  const inside = builder.smaller(builder.larger(point, builder.zero), fold.extent);
  const part = (axis: string, extent: Value, offset: Value, holds: boolean): Segment => {
    const index = builder.index(axis, extent);
    const position = new Map<Value, Value>([[fold.index, builder.add(offset, index)]]);
    const into = (value: Value): Value => builder.substitute(assumed(value, holds), position);
    return { axis, extent, index, offset, bodies: fold.components.map(({ name, body, where }) => ({ component: name, body: into(body), where: into(where) })) };
  };
  const assumed = (value: Value, holds: boolean): Value =>
    replaceOpened(builder, value, (node) => {
      if (node.kind !== "less" || changeOf(builder, node, fold.index) !== point) return undefined;
      const grows = asLinear(node.left).terms.some(([k, term]) => term === fold.index && k > 0);
      return builder.truth(grows === holds);
    });
  return [
    part(`${fold.axis}<`, inside, builder.zero, true),
    part(`${fold.axis}≥`, builder.subtract(fold.extent, inside), inside, false),
  ];
}
