/**
 * @file Pair: two terms of a sum read one array at x and at π(x), where π turns an axis p of two positions around. Two
 * rewrites read each element once:
 *
 *     unroll   Σ_p f(x(p), x(1−p), p)    →   f(x₀, x₁, 0) + f(x₁, x₀, 1)
 *     align    Σ_p a(p)·x(p) + b(p)·x(1−p)   →   Σ_p x(p)·(a(p) + b(1−p))
 *
 * Unrolled, both elements are held and what combines them keeps its own free axes: a rotation of a key is done once for
 * all query heads. Aligned, one element is held and the rotation moves to every consumer. Both are always legal.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Load, Value } from "../../spec/graph/node";
import type { Attempt } from "./attempt";
import { loadsIn } from "./opened";
import { collect, nestOf, sumOver, terms } from "./sums";

const turned = (builder: GraphBuilder, value: Value, index: Index): Value => builder.substitute(value, new Map<Value, Value>([[index, builder.linear(1, [[-1, index]])]]));

/** The axes of two positions along which a nest reads some array at both, and those reads. */
function pairsOf(builder: GraphBuilder, indices: readonly Index[], body: Value): readonly { readonly index: Index; readonly loads: readonly Load[] }[] {
  const all = loadsIn(builder, body);
  const bound = new Set(indices.map(({ name }) => name));
  return indices.filter(({ facts }) => facts.high === 1).flatMap((index) => {
    const loads = all.filter((load) => {
      if (!load.free.includes(index.name) || !load.free.some((name) => !bound.has(name))) return false;
      const other = turned(builder, load, index);
      return other !== load && other.kind === "load" && all.includes(other);
    });
    return loads.length === 0 ? [] : [{ index, loads }];
  });
}

const proofOf = (loads: readonly Load[], index: Index): string =>
  `${[...new Set(loads.map(({ tensor }) => tensor.name))].sort().join(", ")}: each element is read at both positions of ${index.axis}, and a sum over it may be taken in any order`;

export const unroll: Attempt = {
  rule: "unroll",
  law: "Σ_p f(p) → f(0) + f(1), innermost, where f reads one array at x(p) and x(1 − p)",
  try: (builder, _graph, node) => {
    if (node.kind !== "reduce" || node.op !== "sum") return undefined;
    const nest = nestOf(builder, node);
    const [pair] = nest === undefined ? [] : pairsOf(builder, nest.indices, nest.body);
    if (nest === undefined || pair === undefined) return undefined;
    const sides = [builder.zero, builder.one].map((at) => builder.substitute(nest.body, new Map<Value, Value>([[pair.index, at]])));
    return {
      value: sumOver(builder, nest.indices.filter((index) => index !== pair.index), builder.add(...sides)),
      parameters: { axis: pair.index.axis },
      proof: proofOf(pair.loads, pair.index),
    };
  },
};

export const align: Attempt = {
  rule: "align",
  law: "Σ_p a(p)·x(p) + b(p)·x(1 − p) → Σ_p x(p)·(a(p) + b(1 − p))",
  try: (builder, _graph, node) => {
    if (node.kind !== "reduce" || node.op !== "sum") return undefined;
    const nest = nestOf(builder, node);
    if (nest === undefined) return undefined;
    for (const { index, loads } of pairsOf(builder, nest.indices, nest.body)) {
      const isPaired = (value: Value): boolean => loadsIn(builder, value).some((load) => loads.includes(load));
      const list = terms(builder, nest.body, isPaired);
      const paired = (of: readonly Value[]): number => new Set(of.flatMap((term) => loadsIn(builder, term).filter((load) => loads.includes(load)))).size;
      const aligned: Value[] = [];
      for (const term of list) {
        const other = turned(builder, term, index);
        aligned.push(aligned.length > 0 && paired([...aligned, other]) < paired([...aligned, term]) ? other : term);
      }
      if (list.length < 2 || paired(aligned) >= paired(list)) continue;
      return {
        value: sumOver(builder, nest.indices, collect(builder, aligned, (factor) => factor.kind === "load" && isPaired(factor))),
        parameters: { axis: index.axis },
        proof: proofOf(loads, index),
      };
    }
    return undefined;
  },
};
