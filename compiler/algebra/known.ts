/**
 * @file Known: a reduction that no input and no other loop reaches, over an axis of few positions, is a constant.
 *
 *     ⊕_{i < n} f(i)   →   f(0) ⊕ … ⊕ f(n − 1)        if every f(i) is a constant
 *
 * Example: the largest power of two that is at most the number of heads, max_{e < 16} (2ᵉ ≤ 12 ? 2ᵉ : 1), is 8; a fold
 * would carry it as state, and could not tell that a slope made of it is finite. Sums of what is not an integer stay:
 * their rounding is the device's.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Reduce, Value } from "../../spec/graph/node";
import type { AlgebraRecord, Firing } from "./derived";
import { mapStores, openedOrder, placeOf, replaceOpened } from "./opened";
import { show } from "./show";

/** Loops longer than this stay. */
const MOST_POSITIONS = 256;

/** The constant that a reduction is, or undefined where it is none. */
export function knownValue(builder: GraphBuilder, reduce: Reduce): Value | undefined {
  if (reduce.free.length > 0 || reduce.extent.kind !== "constant" || reduce.extent.value > MOST_POSITIONS) return undefined;
  if (openedOrder(builder, [reduce]).some(({ kind }) => kind === "load" || kind === "slot" || kind === "extent")) return undefined;
  const { index, where, body } = builder.open(reduce);
  const values: (readonly [position: number, value: number])[] = [];
  for (let position = 0; position < reduce.extent.value; position++) {
    const at = new Map<Value, Value>([[index, builder.constant(position)]]);
    const live = builder.substitute(where, at);
    if (live === builder.false) continue;
    const value = builder.substitute(body, at);
    if (live !== builder.true || (value.kind !== "constant" && value.kind !== "truth")) return undefined;
    values.push([position, Number(value.value)]);
  }
  if (reduce.op === "any") return builder.truth(values.some(([, value]) => value !== 0));
  if (values.length === 0) return builder.identity(reduce.op);
  const all = values.map(([, value]) => value);
  switch (reduce.op) {
    case "max": return builder.constant(Math.max(...all));
    case "min": return builder.constant(Math.min(...all));
    case "sum": return all.every(Number.isSafeInteger) ? builder.constant(all.reduce((sum, value) => sum + value, 0)) : undefined;
    case "argmax": case "argmin": {
      const extreme = reduce.op === "argmax" ? Math.max(...all) : Math.min(...all);
      return builder.constant(values.find(([, value]) => value === extreme)?.[0] ?? 0);
    }
  }
}

/** Replaces every reduction that is a constant. */
export function known(builder: GraphBuilder, graph: Graph): { readonly graph: Graph; readonly record: AlgebraRecord } {
  const fired = new Map<Value, Firing>();
  const done = new Map<Value, Value>();
  const result = mapStores(graph, (value) =>
    replaceOpened(builder, value, (node) => {
      const found = node.kind === "reduce" ? knownValue(builder, node) : undefined;
      if (found !== undefined) fired.set(node, { rule: "known", at: `${show(builder, node)} = ${show(builder, found)}`, span: placeOf(builder, node) });
      return found;
    }, done));
  return { graph: result, record: { fired: [...fired.values()], refused: [] } };
}
