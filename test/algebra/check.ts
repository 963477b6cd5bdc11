/** @file Runs what the algebra derived in every way a fold may be run, against the naive program. */

import type { Derived } from "../../compiler/algebra/derived";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { Evaluator, evaluateStores, FoldRunner, ways, type Sizes, type State, type Tensors } from "../../bin/fuzz/folding";

/**
 * The programs here sum fewer than 2¹⁰ terms in f64, and their exponents stay below 2¹⁰: reassociation costs at most 2¹⁰
 * roundings of 2⁻⁵³, an exponent's rounding at most 2¹⁰ · 2⁻⁵³ of the result, and each occurs in numerator and
 * denominator.
 */
export const BOUND = 4 * 2 ** 10 * 2 ** -53;

/** The largest difference, relative to the largest finite value; ∞ where one is infinite or NaN and the other is not. */
export function difference(want: ReadonlyMap<string, number>, got: ReadonlyMap<string, number>): number {
  if (want.size !== got.size) return Infinity;
  const scale = Math.max(2 ** -1000, ...[...want.values()].filter((value) => Number.isFinite(value)).map(Math.abs));
  let worst = 0;
  for (const [key, value] of want) {
    const other = got.get(key) ?? NaN;
    if (Object.is(value, other) || value === other) continue;
    const distance = Math.abs(value - other) / scale;
    worst = Math.max(worst, Number.isNaN(distance) ? Infinity : distance);
  }
  return worst;
}

/** The worst difference of each way of running the folds from the naive program. */
export function differences(builder: GraphBuilder, naive: Graph, derived: Derived, tensors: Tensors, sizes: Sizes, random: () => number): Readonly<Record<string, number>> {
  const want = evaluateStores(new Evaluator(builder, tensors, sizes), naive.stores);
  const results: Record<string, number> = { rewritten: difference(want, evaluateStores(new Evaluator(builder, tensors, sizes), derived.graph.stores)) };
  const runner = new FoldRunner(new Evaluator(builder, tensors, sizes));
  for (const [name, way] of Object.entries(ways(runner, random))) results[name] = difference(want, runner.all(derived.folds, derived.stores, way));
  return results;
}

/** The largest relative difference between two states of a fold, an empty element differing from every other. */
export function stateDifference(a: State, b: State): number {
  let worst = 0;
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(name), b.get(name)];
    const scale = Math.max(2 ** -40, ...[...(x?.values() ?? [])].map(Math.abs));
    for (const key of new Set([...(x?.keys() ?? []), ...(y?.keys() ?? [])])) {
      const [u, v] = [x?.get(key), y?.get(key)];
      if (u === v) continue;
      if (u === undefined || v === undefined) return Infinity;
      const distance = Math.abs(u - v) / scale;
      worst = Math.max(worst, Number.isNaN(distance) ? Infinity : distance);
    }
  }
  return worst;
}
