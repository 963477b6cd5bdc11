/** @file What a guard over positions lets through: which share of them, and between which bounds it leaves an index. */

import { asLinear } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import type { Bounder, Bounds } from "./bounds";

/** The parts of a conjunction. */
export const partsOf = (guard: Value): readonly Value[] => (guard.kind === "and" ? guard.of : guard.kind === "truth" && guard.value ? [] : [guard]);

/**
 * The share of positions for which a guard holds: 0 and 1 are exact, what is between is the share of the range of the
 * number that is compared. A condition on elements counts as holding.
 */
export function shareOf(guard: Value, bounder: Bounder): number {
  const of = (part: Value): number => shareOf(part, bounder);
  switch (guard.kind) {
    case "truth": return Number(guard.value);
    case "and": return guard.of.reduce((share, part) => share * of(part), 1);
    case "or": return Math.min(1, guard.of.reduce((share, part) => share + of(part), 0));
    case "not": return known(guard.of, bounder) ? 1 - of(guard.of) : 1;
    case "less": return known(guard, bounder) ? below(differenceOf(guard.left, guard.right, bounder), 0) : 1;
    case "atMost": return known(guard, bounder) ? below(differenceOf(guard.left, guard.right, bounder), 1) : 1;
    case "equal": {
      if (!known(guard, bounder)) return 1;
      const [low, high] = differenceOf(guard.left, guard.right, bounder);
      return low > 0 || high < 0 ? 0 : 1 / (high - low + 1);
    }
    default: return 1;
  }
}

/** Whether what is compared are positions, between bounds. */
function known(guard: Value, bounder: Bounder): boolean {
  switch (guard.kind) {
    case "truth": return true;
    case "not": return known(guard.of, bounder);
    case "and": case "or": return guard.of.every((part) => known(part, bounder));
    case "less": case "atMost": case "equal": {
      if (!guard.left.facts.integer || !guard.right.facts.integer) return false;
      return differenceOf(guard.left, guard.right, bounder).every((bound) => Number.isFinite(bound));
    }
    default: return false;
  }
}

function differenceOf(left: Value, right: Value, bounder: Bounder): Bounds {
  const [a, b] = [bounder.of(left), bounder.of(right)];
  return [a[0] - b[1], a[1] - b[0]];
}

/** The share of the integers between two bounds that lie below a limit. */
const below = ([low, high]: Bounds, limit: number): number => Math.min(1, Math.max(0, (limit - low) / (high - low + 1)));

/** The bounds of a position where guards hold: those of its own, or closer ones where a guard compares it. */
export function boundsUnder(position: Value, guards: readonly Value[], bounder: Bounder): Bounds {
  let [low, high] = bounder.of(position);
  if (position.free.length === 0) return [low, high];
  const { constant, terms } = asLinear(position);
  for (const guard of guards) {
    if (guard.kind !== "less" || guard.left.kind !== "linear" || guard.right.kind !== "constant") continue;
    // position + rest < limit, or rest − position < limit, with rest as small as it gets.
    for (const sign of [1, -1]) {
      const left = new Map<Value, number>(guard.left.terms.map(([k, term]) => [term, k]));
      for (const [k, term] of terms) left.set(term, (left.get(term) ?? 0) - sign * k);
      let rest = guard.left.constant - sign * constant - guard.right.value;
      for (const [term, k] of left) {
        if (k !== 0) rest += k * bounder.of(term)[k > 0 ? 0 : 1];
      }
      if (sign > 0) high = Math.min(high, -rest - 1);
      else low = Math.max(low, rest + 1);
    }
  }
  return [low, high];
}
