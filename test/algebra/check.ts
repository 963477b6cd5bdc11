/** @file Runs what the algebra derived in every way a fold may be run, against the naive program. */

import type { Derived, Fold } from "../../compiler/algebra/derived";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { EMPTY, Evaluator, evaluateStores, FoldRunner, type Sizes, type State, type Tensors } from "./evaluate";

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

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);

/** The ways to run a fold: every element by itself, in tiles, as a tree, as parts of positions at random. */
export function ways(runner: FoldRunner, random: () => number): Readonly<Record<string, (fold: Fold, count: number) => State>> {
  const tree = (fold: Fold, from: number, to: number): State => {
    if (to - from <= 1) return runner.step(fold, EMPTY, range(from, to));
    const middle = from + Math.floor(random() * (to - from));
    if (middle === from) return runner.merge(fold, runner.step(fold, EMPTY, [from]), tree(fold, from + 1, to));
    const [a, b] = [tree(fold, from, middle), tree(fold, middle, to)];
    return random() < 0.5 ? runner.merge(fold, a, b) : runner.merge(fold, b, a);
  };
  return {
    serially: (fold, count) => range(0, count).reduce<State>((state, at) => runner.step(fold, state, [at]), EMPTY),
    "in tiles": (fold, count) => range(0, Math.ceil(count / 8)).reduce<State>((state, tile) => runner.step(fold, state, range(8 * tile, Math.min(count, 8 * tile + 8))), EMPTY),
    "as a tree": (fold, count) => tree(fold, 0, count),
    "in parts": (fold, count) => {
      const parts: State[] = [EMPTY, EMPTY, EMPTY, EMPTY, EMPTY];
      for (const at of range(0, count)) {
        // The last part stays empty.
        const part = Math.floor(random() * 4);
        parts[part] = runner.step(fold, parts[part] ?? EMPTY, [at]);
      }
      return [...parts].sort(() => random() - 0.5).reduce((a, b) => runner.merge(fold, a, b), EMPTY);
    },
  };
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
