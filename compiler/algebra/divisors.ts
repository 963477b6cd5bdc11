/**
 * @file Sizes as divisors: where a size that is open divides, it is 1 or more, or the element divides by zero and is
 * promised nothing.
 *
 *     x / |n|   →   x / larger(|n|, 1)
 *
 * Said so, the quotient is known to be finite: a scale such as 1/√|channel| leaves reductions, and folds are derived for
 * sizes that are not known yet.
 */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import { postOrder } from "../../spec/graph/children";
import type { Graph, Value } from "../../spec/graph/node";
import { mapStores, roots } from "./opened";
import type { Passed } from "./passes";

export function divisors(builder: GraphBuilder, graph: Graph): Passed {
  const divides = (node: Value): boolean => node.kind === "product" && node.factors.some(([base, exponent]) => exponent < 0 && isOpenSize(base));
  if (!postOrder(roots(graph)).some(divides)) return { graph, record: { fired: [], refused: [] } };
  const fired = new Set<string>();
  const done = new Map<Value, Value>();
  const made = mapStores(graph, (value) => builder.rewrite(value, (node) => {
    if (node.kind !== "product" || !divides(node)) return undefined;
    return builder.product(node.factors.map(([base, exponent]) => {
      if (exponent > 0 || !isOpenSize(base)) return [base, exponent] as const;
      for (const [, term] of asLinear(base).terms) if (term.kind === "extent") fired.add(term.axis);
      return [builder.larger(base, builder.one), exponent] as const;
    }));
  }, done));
  return { graph: made, record: { fired: [...fired].map((axis) => ({ rule: "divisor", at: `|${axis}|` })), refused: [] } };
}

/** A size, or the sizes of parts together, that may be 0 as far as is known. */
function isOpenSize(value: Value): boolean {
  const { constant, terms } = asLinear(value);
  return constant === 0 && terms.length > 0 && terms.every(([k, term]) => k > 0 && term.kind === "extent");
}
