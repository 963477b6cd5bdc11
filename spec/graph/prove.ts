/**
 * @file Proves that integer expressions are not negative, symbolically in the sizes of axes. Terms are replaced by
 * bounds that leave only sizes: an index lies in 0 … extent − 1, a quotient and a remainder between theirs, the smaller
 * of two below both. What is left must be a sum that cannot be negative, alone or with assumptions added to it.
 */

import { postOrder } from "./children";
import type { Value } from "./node";

/** How deep relaxations and uses of assumptions nest before the prover gives up; a case distinction counts twice. */
const DEPTH = 8;
/** How many sums one proof may look at. */
const BUDGET = 400;

type Terms = ReadonlyMap<Value, number>;
interface Sum { readonly constant: number; readonly terms: Terms }

/** `left < right` or `left ≤ right`, of reals. */
interface Comparison { readonly left: Value; readonly right: Value; readonly strict: boolean }

/** What is known: sums that are not negative, and comparisons as they were written. */
interface Given { readonly sums: readonly Sum[]; readonly comparisons: readonly Comparison[] }

/** One case of a proof: its sum must not be negative, with what is known in this case alone. */
interface Case { readonly sum: Sum; readonly given?: Given }

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

const shifted = (sum: Sum, by: number): Sum => ({ ...sum, constant: sum.constant + by });

const without = (sum: Sum, term: Value): Sum => {
  const terms = new Map(sum.terms);
  terms.delete(term);
  return { constant: sum.constant, terms };
};

const NOTHING: Given = { sums: [], comparisons: [] };

const joined = (a: Given, b: Given): Given => ({ sums: [...a.sums, ...b.sums], comparisons: [...a.comparisons, ...b.comparisons] });

/**
 * Whether `value` ≥ 0 follows from `given` (numbers that are ≥ 0, and truths that hold) for every size of the axes.
 * Sound, not complete.
 */
export function nonNegative(value: Value, given: readonly Value[] = []): boolean {
  if (value.facts.low >= 0 && !value.facts.mayBeNegativeInfinity) return true;
  let known = proved.get(value);
  if (known === undefined) proved.set(value, (known = new Map<string, boolean>()));
  const key = given.map(({ id }) => id).join(" ");
  let follows = known.get(key);
  if (follows === undefined) known.set(key, (follows = given.includes(value) || proves(value, given)));
  return follows;
}

/** What was proved of a value before, by the numbers of the nodes that were given: they are of its builder. */
const proved = new WeakMap<Value, Map<string, boolean>>();

function proves(value: Value, given: readonly Value[]): boolean {
  let known = NOTHING;
  for (const each of given) known = joined(known, isCondition(each) ? knowledge(each, true) : { sums: [sumOf(each)], comparisons: [] });
  known = withWidened(known);
  const prove = (more: Given): boolean => new Proof(value.facts.integer).holds(sumOf(value), more, DEPTH);
  if (prove(known)) return true;
  const nonEmpty = sizesOfFree([value, ...given]).map((size) => shifted(sumOf(size), -1));
  return nonEmpty.length > 0 && prove(joined(known, { sums: nonEmpty, comparisons: [] }));
}

/** Where a free index is read, its axis is not empty. */
function sizesOfFree(values: readonly Value[]): readonly Value[] {
  const free = new Set(values.flatMap((value) => value.free));
  return [...new Set(postOrder(values).flatMap((node) => (node.kind === "index" && free.has(node.name) && node.extent.kind !== "constant" ? [node.extent] : [])))];
}

/** i % d is at most i: what is at least the one is at least the other. */
function widened(sum: Sum): readonly Sum[] {
  return [...sum.terms].flatMap(([term, k]) => (term.kind === "remainder" && k > 0 && term.left.facts.low >= 0 && term.left.facts.integer ? [plus(without(sum, term), k, sumOf(term.left))] : []));
}

const withWidened = (known: Given): Given => ({ ...known, sums: known.sums.flatMap((sum) => [sum, ...widened(sum)]) });

const isCondition = ({ kind }: Value): boolean => kind === "truth" || kind === "less" || kind === "atMost" || kind === "equal" || kind === "not" || kind === "and" || kind === "or";

/** What follows from a condition that holds, or does not. Failed comparisons of reals say nothing: one side may be NaN. */
function knowledge(condition: Value, holds: boolean): Given {
  switch (condition.kind) {
    case "not": return knowledge(condition.of, !holds);
    case "and": return holds ? condition.of.map((part) => knowledge(part, true)).reduce(joined, NOTHING) : NOTHING;
    case "or": return holds ? NOTHING : condition.of.map((part) => knowledge(part, false)).reduce(joined, NOTHING);
    case "less": case "atMost": {
      const [left, right] = [sumOf(condition.left), sumOf(condition.right)];
      const integers = condition.left.facts.integer && condition.right.facts.integer;
      const strict = condition.kind === "less";
      if (!Number.isFinite(left.constant) || !Number.isFinite(right.constant)) return NOTHING;
      if (holds) return { sums: [shifted(plus(right, -1, left), strict && integers ? -1 : 0)], comparisons: [{ left: condition.left, right: condition.right, strict }] };
      return integers ? { sums: [shifted(plus(left, -1, right), strict ? 0 : -1)], comparisons: [] } : NOTHING;
    }
    case "equal": {
      const [left, right] = [sumOf(condition.left), sumOf(condition.right)];
      if (!Number.isFinite(left.constant) || !Number.isFinite(right.constant)) return NOTHING;
      const [up, down] = [plus(left, -1, right), plus(right, -1, left)];
      if (holds) return { sums: [up, down], comparisons: [] };
      if (!condition.left.facts.integer || !condition.right.facts.integer) return NOTHING;
      // What is not 0 and not on one side of it is on the other.
      const above = new Proof(true).holds(up, NOTHING, 2);
      const below = new Proof(true).holds(down, NOTHING, 2);
      return { sums: [...(above ? [shifted(up, -1)] : []), ...(below ? [shifted(down, -1)] : [])], comparisons: [] };
    }
    default: return NOTHING;
  }
}

class Proof {
  /** An integer that is more than −1 is not negative. */
  readonly #integer: boolean;
  readonly #looked = new Map<Given, Map<string, number>>();
  #budget = BUDGET;

  constructor(integer: boolean) {
    this.#integer = integer;
  }

  holds(sum: Sum, given: Given, depth: number): boolean {
    if (this.#settled(sum)) return true;
    if (depth <= 0 || this.#seen(sum, given, depth) || this.#budget-- <= 0) return false;
    // What an assumption says at once is found before anything is bounded.
    if (given.sums.some((assumption) => factors(sum, assumption).some((factor) => this.#settled(plus(sum, -factor, assumption))))) return true;
    for (const cases of relaxations(sum, given)) {
      const cost = cases.length > 1 ? 2 : 1;
      if (cases.every((each) => this.holds(each.sum, each.given === undefined ? given : joined(given, each.given), depth - cost))) return true;
    }
    // An assumption may be used before its terms are bounded: i < n cancels n − 1 − i at once.
    for (const assumption of given.sums) {
      for (const factor of factors(sum, assumption)) if (this.holds(plus(sum, -factor, assumption), given, depth - 1)) return true;
    }
    return false;
  }

  /** Whether a sum was looked at before, with as much depth left: relaxations commute, and lead to it in many orders. */
  #seen(sum: Sum, given: Given, depth: number): boolean {
    let depths = this.#looked.get(given);
    if (depths === undefined) this.#looked.set(given, (depths = new Map<string, number>()));
    const key = `${sum.constant} ${[...sum.terms].sort(([a], [b]) => a.id - b.id).map(([term, k]) => `${k}*${term.id}`).join(" ")}`;
    if ((depths.get(key) ?? 0) >= depth) return true;
    depths.set(key, depth);
    return false;
  }

  #settled(sum: Sum): boolean {
    let low = sum.constant;
    for (const [term, k] of sum.terms) {
      const bound = k > 0 ? term.facts.low : term.facts.high;
      const infinite = k > 0 ? term.facts.mayBeNegativeInfinity : term.facts.mayBePositiveInfinity;
      if (infinite) return false;
      low += k * bound;
    }
    return low >= 0 || (this.#integer && low > -1);
  }
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

/** Terms that split into cases come first, as assumptions of a case may need the others; indices come last. */
const ORDER: Partial<Record<Value["kind"], number>> = { select: 0, smaller: 1, larger: 1, apply: 2, quotient: 3, remainder: 3, reduce: 4, index: 5 };

/** Sums that imply `sum` ≥ 0: each list is a proof if all its cases hold. */
function* relaxations(sum: Sum, given: Given): Generator<readonly Case[]> {
  const terms = [...sum.terms].filter(([{ kind }]) => ORDER[kind] !== undefined).sort(([a], [b]) => (ORDER[a.kind] ?? 0) - (ORDER[b.kind] ?? 0));
  for (const [term, k] of terms) yield* relaxed(sum, term, k, given);
}

function* relaxed(sum: Sum, term: Value, k: number, given: Given): Generator<readonly Case[]> {
  const rest = without(sum, term);
  const by = (bound: Value, shift = 0): Case => ({ sum: plus(shifted(rest, k * shift), k, sumOf(bound)) });
  const atLeastZero: Case = { sum: rest };
  switch (term.kind) {
    case "index":
      if (k < 0 && term.extent.kind === "constant") yield* multiples(rest, term, term.extent.value, k, given);
      yield [k < 0 ? by(term.extent, -1) : atLeastZero];
      return;
    case "quotient": {
      const { left, right } = term;
      if (k > 0) {
        if (left.facts.low >= 0) yield [atLeastZero];
        // ⌊x / d⌋ ≥ (x − d + 1) / d
        if (right.kind === "constant") yield [{ sum: plus(shifted(rest, (-k * (right.value - 1)) / right.value), k / right.value, sumOf(left)) }];
      } else {
        if (right.kind === "constant") yield [{ sum: plus(rest, k / right.value, sumOf(left)) }];
        // ⌊i / (a / b)⌋ ≤ b − 1 for i < a where b divides a: the group of an index.
        if (right.kind === "quotient" && left.kind === "index" && left.extent === right.left) yield [by(right.right, -1)];
        if (left.facts.low >= 0) yield [by(left)];
      }
      return;
    }
    case "remainder":
      if (term.left.facts.low >= 0 && term.right.facts.low >= 0 && term.facts.integer) {
        if (k > 0) yield [atLeastZero];
        else {
          yield [by(term.right, -1)];
          yield [by(term.left)];
        }
      }
      return;
    case "smaller": case "larger":
      // The smaller is below both, and equal to one of them.
      if ((term.kind === "smaller") === k < 0) {
        yield [by(term.left)];
        yield [by(term.right)];
      } else yield [by(term.left), by(term.right)];
      return;
    case "select":
      yield [
        { ...by(term.yes), given: withWidened(knowledge(term.condition, true)) },
        { ...by(term.no), given: withWidened(knowledge(term.condition, false)) },
      ];
      return;
    case "apply":
      if (term.fn === "floor") yield* floors(term.args[0], k, by, given);
      return;
    case "reduce":
      // Over no position at all the answer is 0.
      if ((term.op === "argmax" || term.op === "argmin") && k < 0) yield term.extent.facts.low >= 1 ? [by(term.extent, -1)] : [by(term.extent, -1), atLeastZero];
      return;
    default:
  }
}

/** i ≤ d · ⌊(n − 1) / d⌋ + i % d, where something is known of i % d. */
function* multiples(rest: Sum, index: Value, size: number, k: number, given: Given): Generator<readonly Case[]> {
  for (const { terms } of given.sums) {
    for (const term of terms.keys()) {
      if (term.kind !== "remainder" || term.left !== index || term.right.kind !== "constant" || term.right.value < 1) continue;
      const divisor = term.right.value;
      yield [{ sum: plus(shifted(rest, k * divisor * Math.floor((size - 1) / divisor)), k, sumOf(term)) }];
    }
  }
}

/** Bounds of ⌊x⌋: x itself, x − 1, and what x was compared with, if that is an integer. */
function* floors(x: Value | undefined, k: number, by: (bound: Value, shift?: number) => Case, given: Given): Generator<readonly Case[]> {
  if (x === undefined) return;
  for (const { left, right, strict } of given.comparisons) {
    if (k < 0 && left === x && right.facts.integer) yield [by(right, strict ? -1 : 0)];
    if (k > 0 && right === x && left.facts.integer) yield [by(left)];
  }
  yield [k < 0 ? by(x) : by(x, -1)];
}
