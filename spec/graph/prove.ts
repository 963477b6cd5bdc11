/**
 * @file Proves that integer expressions are not negative, symbolically in the sizes of axes. Terms are replaced by
 * bounds that leave only sizes: an index lies in 0 … extent − 1, a quotient and a remainder between theirs, the smaller
 * of two below both. What is left must be a sum that cannot be negative, alone or with assumptions added to it.
 */

import { postOrder } from "./children";
import type { Value } from "./node";

/** How deep case distinctions (`larger`, `smaller`, `select`) nest before the prover gives up. */
const DEPTH = 6;

type Terms = ReadonlyMap<Value, number>;
interface Sum { readonly constant: number; readonly terms: Terms }

const sumOf = (value: Value): Sum => {
  if (value.kind === "constant") return { constant: value.value, terms: new Map() };
  if (value.kind === "linear") return { constant: value.constant, terms: new Map(value.terms.map(([k, t]) => [t, k])) };
  return { constant: 0, terms: new Map([[value, 1]]) };
};

const plus = (a: Sum, factor: number, b: Sum): Sum => {
  const terms = new Map(a.terms);
  for (const [term, k] of b.terms) {
    const total = (terms.get(term) ?? 0) + factor * k;
    if (total === 0) terms.delete(term);
    else terms.set(term, total);
  }
  return { constant: a.constant + factor * b.constant, terms };
};

const without = (sum: Sum, term: Value): Sum => {
  const terms = new Map(sum.terms);
  terms.delete(term);
  return { constant: sum.constant, terms };
};

/**
 * Whether `value` ≥ 0 follows from `assumptions` (integers that are ≥ 0) for every size of the axes.
 * Sound, not complete.
 */
export function nonNegative(value: Value, assumptions: readonly Value[] = []): boolean {
  const given = assumptions.map(sumOf);
  const sum = sumOf(value);
  if (holds(sum, given, DEPTH)) return true;
  // Where an index is read, its axis is not empty.
  const extents = new Set<Value>();
  for (const node of postOrder([value, ...assumptions])) if (node.kind === "index" && node.extent.kind !== "constant") extents.add(node.extent);
  return extents.size > 0 && holds(sum, [...given, ...[...extents].map((extent) => plus(sumOf(extent), -1, ONE))], DEPTH);
}

const ONE: Sum = { constant: 1, terms: new Map() };

function holds(sum: Sum, assumptions: readonly Sum[], depth: number): boolean {
  if (settled(sum)) return true;
  if (depth === 0) return false;
  for (const candidate of relaxations(sum)) {
    if (candidate.every((relaxed) => holds(relaxed, assumptions, depth - (candidate.length > 1 ? 2 : 1)))) return true;
  }
  // An assumption may be used before its terms are bounded: i < n cancels n − 1 − i at once.
  for (const [position, assumption] of assumptions.entries()) {
    const others = assumptions.filter((_, at) => at !== position);
    for (const factor of factors(sum, assumption)) if (holds(plus(sum, -factor, assumption), others, depth - 1)) return true;
  }
  return false;
}

/** Multiples of an assumption that cancel one of its terms in `sum`. */
function factors(sum: Sum, assumption: Sum): readonly number[] {
  const found = new Set<number>();
  for (const [term, k] of assumption.terms) {
    const here = sum.terms.get(term);
    if (here !== undefined && here / k > 0) found.add(here / k);
  }
  return [...found];
}

const settled = (sum: Sum): boolean => {
  let low = sum.constant;
  for (const [term, k] of sum.terms) {
    const bound = k > 0 ? term.facts.low : term.facts.high;
    const infinite = k > 0 ? term.facts.mayBeNegativeInfinity : term.facts.mayBePositiveInfinity;
    if (infinite) return false;
    low += k * bound;
  }
  return low >= 0;
};

/** Sums that imply `sum` ≥ 0: each list is a proof if all its members are ≥ 0. */
function* relaxations(sum: Sum): Generator<readonly Sum[]> {
  for (const [term, k] of sum.terms) {
    const rest = without(sum, term);
    const by = (bound: Value): Sum => plus(rest, k, sumOf(bound));
    switch (term.kind) {
      case "index":
        if (k < 0) yield [plus({ ...rest, constant: rest.constant - k }, k, sumOf(term.extent))];
        else yield [rest];
        return;
      case "quotient": {
        const [left, right] = [term.left, term.right];
        if (k > 0) {
          // ⌊x / d⌋ ≥ (x − d + 1) / d
          if (left.facts.low >= 0) yield [rest];
          if (right.kind === "constant") yield [plus({ ...rest, constant: rest.constant - (k * (right.value - 1)) / right.value }, k / right.value, sumOf(left))];
        } else {
          if (right.kind === "constant") yield [plus(rest, k / right.value, sumOf(left))];
          if (left.facts.low >= 0) yield [plus(rest, k, sumOf(left))];
          // ⌊i / (a / b)⌋ ≤ b − 1 for i < a where b divides a: the group of an index.
          if (right.kind === "quotient" && left.kind === "index" && left.extent === right.left) yield [plus({ ...rest, constant: rest.constant - k }, k, sumOf(right.right))];
        }
        break;
      }
      case "remainder":
        if (term.left.facts.low >= 0 && term.right.facts.low >= 0 && term.facts.integer) {
          if (k > 0) yield [rest];
          else {
            yield [plus({ ...rest, constant: rest.constant - k }, k, sumOf(term.right))];
            yield [by(term.left)];
          }
        }
        break;
      case "smaller": case "larger":
        // The smaller is below both, and equal to one of them.
        if ((term.kind === "smaller") === k < 0) {
          yield [by(term.left)];
          yield [by(term.right)];
        } else yield [by(term.left), by(term.right)];
        break;
      case "select":
        yield [by(term.yes), by(term.no)];
        break;
      case "reduce":
        // Over no position at all the answer is 0, which an empty axis does not have.
        if ((term.op === "argmax" || term.op === "argmin") && k < 0 && term.extent.facts.low >= 1) yield [plus({ ...rest, constant: rest.constant - k }, k, sumOf(term.extent))];
        break;
      default:
    }
  }
}
