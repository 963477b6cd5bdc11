/**
 * @file Domains: the part of an axis on which a guard can hold, as loop bounds, and what a guard says about a tile.
 *
 *     t ≤ i  ∧  i − t < w   →   i − w < t < i + 1, exact        a mask read from data   →   no bounds, inexact
 *     p ∨ q                 →   the hull of both, inexact       ⌊t / k⌋ = b             →   k·b ≤ t < k·b + k
 */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import type { Domain } from "./derived";
import { holdsSlot } from "./opened";

/** Bounds of `index` implied by `where`; exact if they imply it in turn. */
export function domainOf(builder: GraphBuilder, where: Value, index: Index): Domain {
  const loose: Domain = { lower: [], upper: [], exact: false };
  const isBound = (value: Value): boolean => !value.free.includes(index.name) && value.facts.integer && !holdsSlot(value);
  /** coefficient · index + rest < 0. */
  const below = (difference: Value): Domain => {
    const { constant, terms } = asLinear(difference);
    const own = terms.filter(([, term]) => term.free.includes(index.name));
    const rest = builder.linear(constant, terms.filter(([, term]) => !term.free.includes(index.name)));
    const [only] = own;
    if (only === undefined || own.length > 1 || !isBound(rest)) return loose;
    const [k, term] = only;
    // term < upper, or lower ≤ term
    if (k > 0) return bounded(term, undefined, builder.quotient(builder.linear(k - 1, [[-1, rest]]), builder.constant(k)));
    return bounded(term, builder.linear(1, [[1, builder.quotient(rest, builder.constant(-k))]]), undefined);
  };
  const bounded = (term: Value, lower: Value | undefined, upper: Value | undefined): Domain => {
    if (term === index) return { lower: lower === undefined ? [] : [lower], upper: upper === undefined ? [] : [upper], exact: true };
    if (term.kind !== "quotient" || term.right.kind !== "constant") return loose;
    const divisor = term.right.value;
    // ⌊x / d⌋ < u is x < d·u; l ≤ ⌊x / d⌋ is d·l ≤ x.
    if (upper !== undefined) return below(builder.linear(0, [[1, term.left], [-divisor, upper]]));
    return lower === undefined ? loose : below(builder.linear(-1, [[divisor, lower], [-1, term.left]]));
  };
  const both = (parts: readonly Domain[]): Domain => ({
    lower: [...new Set(parts.flatMap(({ lower }) => lower))],
    upper: [...new Set(parts.flatMap(({ upper }) => upper))],
    exact: parts.every(({ exact }) => exact),
  });
  const go = (condition: Value): Domain => {
    if (condition === builder.true) return { lower: [], upper: [], exact: true };
    switch (condition.kind) {
      case "and": return both(condition.of.map(go));
      case "or": return hull(builder, condition.of.map(go));
      case "less": return condition.right === builder.zero && condition.left.facts.integer ? below(condition.left) : loose;
      case "equal": {
        if (!condition.left.facts.integer || !condition.right.facts.integer) return loose;
        const difference = builder.subtract(condition.left, condition.right);
        return both([below(builder.linear(-1, [[1, difference]])), below(builder.linear(-1, [[-1, difference]]))]);
      }
      default: return loose;
    }
  };
  return go(where);
}

/** Bounds that contain all of several domains. */
export function hull(builder: GraphBuilder, domains: readonly Domain[]): Domain {
  const [first] = domains;
  if (first === undefined) return { lower: [], upper: [], exact: true };
  if (domains.every((domain) => sameDomain(domain, first))) return first;
  const least = (values: readonly Value[], pick: (a: Value, b: Value) => Value): Value | undefined => values.reduce<Value | undefined>((sofar, value) => (sofar === undefined ? value : pick(sofar, value)), undefined);
  const larger = (a: Value, b: Value): Value => builder.larger(a, b);
  const smaller = (a: Value, b: Value): Value => builder.smaller(a, b);
  const lowers = domains.map(({ lower }) => least(lower, larger));
  const uppers = domains.map(({ upper }) => least(upper, smaller));
  const lower = lowers.every((value) => value !== undefined) ? least(lowers, smaller) : undefined;
  const upper = uppers.every((value) => value !== undefined) ? least(uppers, larger) : undefined;
  return { lower: lower === undefined ? [] : [lower], upper: upper === undefined ? [] : [upper], exact: false };
}

const sameDomain = (a: Domain, b: Domain): boolean => {
  const same = (x: readonly Value[], y: readonly Value[]): boolean => x.length === y.length && x.every((value) => y.includes(value));
  return a.exact === b.exact && same(a.lower, b.lower) && same(a.upper, b.upper);
};

/** `live`: the guard holds all over the tile; `dead`: nowhere; `mixed`: not known to be either. */
export type Liveness = "live" | "dead" | "mixed";

/**
 * What a guard says of a tile. `box` gives the least and the greatest value of indices and of other integer values
 * (extents, say) by node; what it does not give makes a condition mixed.
 */
export function classify(builder: GraphBuilder, where: Value, box: ReadonlyMap<Value, readonly [least: number, greatest: number]>): Liveness {
  const all = (of: readonly Value[], wins: Liveness, otherwise: Liveness): Liveness => {
    const sides = of.map((part) => classify(builder, part, box));
    return sides.includes(wins) ? wins : sides.every((side) => side === otherwise) ? otherwise : "mixed";
  };
  switch (where.kind) {
    case "truth": return where.value ? "live" : "dead";
    case "and": return all(where.of, "dead", "live");
    case "or": return all(where.of, "live", "dead");
    case "not": {
      const side = classify(builder, where.of, box);
      return side === "mixed" ? side : side === "live" ? "dead" : "live";
    }
    case "less": case "equal": {
      const range = rangeIn(builder.subtract(where.left, where.right), box);
      if (range === undefined) return "mixed";
      const [least, greatest] = range;
      if (where.kind === "less") return greatest < 0 ? "live" : least >= 0 ? "dead" : "mixed";
      return least === 0 && greatest === 0 ? "live" : least > 0 || greatest < 0 ? "dead" : "mixed";
    }
    default: return "mixed";
  }
}

function rangeIn(value: Value, box: ReadonlyMap<Value, readonly [number, number]>): readonly [number, number] | undefined {
  const { constant, terms } = asLinear(value);
  let [least, greatest] = [constant, constant];
  for (const [k, term] of terms) {
    const range = box.get(term) ?? quotientIn(term, box);
    if (range === undefined) return undefined;
    least += Math.min(k * range[0], k * range[1]);
    greatest += Math.max(k * range[0], k * range[1]);
  }
  return [least, greatest];
}

function quotientIn(value: Value, box: ReadonlyMap<Value, readonly [number, number]>): readonly [number, number] | undefined {
  if (value.kind !== "quotient" || value.right.kind !== "constant") return undefined;
  const range = rangeIn(value.left, box);
  const divisor = value.right.value;
  return range === undefined ? undefined : [Math.floor(range[0] / divisor), Math.floor(range[1] / divisor)];
}
