/**
 * @file Makes nodes: one factory for each kind, which checks the kind's invariant and brings it to its normal form.
 * Simplifications that always pay live here, and each of them strictly shrinks the node: folding of constants, linear
 * sums and products of powers, integer division, guards moved into reductions, factors moved out of them. A builder
 * shares equal nodes; nodes of two builders never meet.
 */

import { InternalError } from "../diagnostics/diagnostic";
import { children } from "./children";
import { isFinite } from "./facts";
import { fraction, gcd } from "./fraction";
import { hoisted } from "./hoist";
import { NodeTable } from "./node-table";
import { nonNegative } from "./prove";
import type { Bare } from "./shared-nodes";
import type {
  Apply, BitwiseOperator, Constant, Facts, Index, Linear, Load, MathFunction, Product, Reduce, ReduceOperator,
  Select, Slot, Span, Table, Tensor, Truth, Value,
} from "./node";

type Term = readonly [coefficient: number, term: Value];
type Factor = readonly [base: Value, exponent: number];

/** An opened binder: its axis as a free index, and what was under the binder read with that index. */
export interface Opened {
  readonly index: Index;
  /** The guard of a reduction; true for a table. */
  readonly where: Value;
  readonly body: Value;
}

export type Binder = Reduce | Table;

const TRUTHS: ReadonlySet<Value["kind"]> = new Set(["truth", "less", "atMost", "equal", "not", "and", "or"]);

/** Whether a value is true or false rather than a number. */
export const isTruth = (value: Value): boolean => TRUTHS.has(value.kind) || (value.kind === "reduce" && value.op === "any");

export class GraphBuilder {
  readonly #nodes = new NodeTable();
  /** Comparisons made before: what decides them is proved once. */
  readonly #negatives = new Map<Value, Value>();
  readonly #openings = new Map<Binder, Map<number, Opened>>();

  readonly true: Truth;
  readonly false: Truth;
  readonly zero: Constant;
  readonly one: Constant;

  constructor() {
    this.true = this.#nodes.make({ kind: "truth", value: true });
    this.false = this.#nodes.make({ kind: "truth", value: false });
    this.zero = this.#nodes.make({ kind: "constant", value: 0 });
    this.one = this.#nodes.make({ kind: "constant", value: 1 });
  }

  /** How many nodes have been made. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Where nodes were first written: the value of `span` when they were made. */
  get spans(): ReadonlyMap<Value, Span> {
    return this.#nodes.spans;
  }

  /** The place that new nodes get. */
  get span(): Span | undefined {
    return this.#nodes.span;
  }

  set span(place: Span | undefined) {
    this.#nodes.span = place;
  }

  // Leaves.

  /** A number; NaN is not one. */
  constant(value: number): Constant {
    if (Number.isNaN(value)) throw new InternalError("a graph has no NaN constant");
    return this.#nodes.make({ kind: "constant", value: value + 0 });
  }

  truth(value: boolean): Truth {
    return value ? this.true : this.false;
  }

  /** The size of an axis that is not fixed. */
  extent(axis: string): Value {
    return this.#nodes.make({ kind: "extent", axis });
  }

  /** The `k`-th free index of an axis. */
  index(axis: string, extent: Value, k = 0): Value {
    return this.#position(axis, extent, `${axis}@${k}`);
  }

  #position(axis: string, extent: Value, name: string): Value {
    if (extent.kind === "constant" && extent.value === 1) return this.zero;
    return this.#indexNode(axis, extent, name);
  }

  #indexNode(axis: string, extent: Value, name: string): Index {
    return this.#nodes.make({ kind: "index", axis, extent, name });
  }

  load(tensor: Tensor, indices: readonly Value[]): Load {
    if (indices.length !== tensor.axes.length) throw new InternalError(`${tensor.name} has ${tensor.axes.length} axes, not ${indices.length}`);
    return this.#nodes.make({ kind: "load", tensor, indices });
  }

  // Sums.

  linear(constant: number, terms: readonly Term[]): Value {
    const sum = new Sum();
    let rest = constant;
    const put = (coefficient: number, term: Value): void => {
      if (coefficient === 0) return;
      if (term.kind === "constant" && Number.isFinite(term.value)) rest += coefficient * term.value;
      else if (term.kind === "linear") {
        if (!term.terms.every(([k]) => Number.isFinite(coefficient * k))) { put(1, this.#productNode([[this.constant(coefficient), 1], [term, 1]])); return; }
        rest += coefficient * term.constant;
        for (const [k, t] of term.terms) put(coefficient * k, t);
      } else if (!sum.add(coefficient, term)) {
        // What is too large to be one coefficient stays a product, which does not merge.
        put(1, this.#productNode([[this.constant(coefficient), 1], [term, 1]]));
      }
    };
    for (const [coefficient, term] of terms) put(coefficient, term);
    if (!Number.isFinite(rest)) return this.#unfinished(rest, sum.terms.map(({ term, k }) => [k, term] as const));
    const list: Term[] = [];
    for (const { term, k, above } of sum.terms) {
      if (k !== 0) list.push([k, term]);
      else if (!isFinite(term.facts)) {
        // `x − x` where x may be infinite is not 0: one side is kept behind a product, which does not merge.
        list.push([above, term], [1, this.#productNode([[this.constant(-above), 1], [term, 1]])]);
      }
    }
    list.sort((a, b) => a[1].id - b[1].id);
    for (const one of list) {
      const [coefficient, term] = one;
      if (term.kind !== "constant" && term.kind !== "select") continue;
      const others = list.filter((other) => other !== one);
      if (term.kind === "constant") {
        const value = coefficient * term.value;
        const opposed = others.some(([k, t]) => (value * k > 0 ? t.facts.mayBeNegativeInfinity : t.facts.mayBePositiveInfinity));
        if (!opposed) return this.constant(value);
      }
      else if (hasInfiniteBranch(term) && others.every(([, t]) => isFinite(t.facts))) {
        return this.select(term.condition, this.linear(rest, [...others, [coefficient, term.yes]]), this.linear(rest, [...others, [coefficient, term.no]]));
      }
    }
    const [first] = list;
    if (first === undefined) return this.constant(rest);
    if (list.length === 1 && rest === 0 && first[0] === 1) return first[1];
    return this.#nodes.make({ kind: "linear", constant: rest, terms: list });
  }

  /** An infinite constant among the terms. */
  #unfinished(constant: number, terms: readonly Term[]): Value {
    if (Number.isNaN(constant)) throw new InternalError("a sum of opposite infinities");
    return this.linear(0, [[1, this.constant(constant)], ...terms]);
  }

  add(...values: readonly Value[]): Value {
    return this.linear(0, values.map((value) => [1, value] as const));
  }

  subtract(left: Value, right: Value): Value {
    return this.linear(0, [[1, left], [-1, right]]);
  }

  negate(value: Value): Value {
    return this.linear(0, [[-1, value]]);
  }

  scale(coefficient: number, value: Value): Value {
    if (coefficient === 0) return this.product([[this.zero, 1], [value, 1]]);
    return this.linear(0, [[coefficient, value]]);
  }

  // Products.

  /** A value as a coefficient and powers. */
  factors(value: Value): readonly [coefficient: number, factors: readonly Factor[]] {
    if (value.kind === "constant" && Number.isFinite(value.value)) return [value.value, []];
    if (value.kind === "product") return [1, value.factors];
    if (value.kind === "linear" && value.constant === 0 && value.terms.length === 1) {
      const [only] = value.terms;
      if (only !== undefined) return [only[0], only[1].kind === "product" ? only[1].factors : [[only[1], 1]]];
    }
    return [1, [[value, 1]]];
  }

  product(list: readonly Factor[]): Value {
    let coefficient = 1;
    const powers = new Map<Value, { up: number; down: number }>();
    const put = (base: Value, exponent: number): void => {
      let power = powers.get(base);
      if (power === undefined) powers.set(base, (power = { up: 0, down: 0 }));
      if (exponent > 0) power.up += exponent;
      else power.down += exponent;
    };
    for (const [value, exponent] of list) {
      const [c, parts] = this.factors(value);
      const distributes = Number.isInteger(exponent) || (c > 0 && parts.every(([base]) => base.facts.low >= 0));
      if (!distributes) {
        if (value.facts.low < 0) throw new InternalError("a fractional power of a number that may be negative");
        put(value, exponent);
        continue;
      }
      const power = c ** exponent;
      if (!Number.isFinite(coefficient * power)) {
        put(this.constant(c), exponent);
        continue;
      }
      coefficient *= power;
      for (const [base, e] of parts) put(base, e * exponent);
    }
    const factors: Factor[] = [];
    for (const [base, { up, down }] of powers) {
      const cancels = base.facts.nonZero && isFinite(base.facts);
      for (const exponent of cancels ? [up + down] : [up, down]) if (exponent !== 0) factors.push([base, exponent]);
    }
    factors.sort((a, b) => a[0].id - b[0].id || b[1] - a[1]);
    const finite = ([base, exponent]: Factor): boolean => isFinite(base.facts) && (exponent > 0 || base.facts.nonZero);
    if (coefficient === 0) return factors.every(finite) ? this.zero : this.#productNode([[this.zero, 1], ...factors]);
    for (const [position, [base, exponent]] of factors.entries()) {
      if (base.kind !== "select" || exponent < 0 || (base.yes !== this.zero && base.no !== this.zero)) continue;
      const others = factors.filter((_, at) => at !== position);
      // A divisor may be 0: the element then divides by zero on either side of the select, and is promised nothing.
      if (!others.every(([other]) => isFinite(other.facts))) continue;
      const side = (branch: Value): Value => branch === this.zero ? this.zero : this.product([[this.constant(coefficient), 1], [branch, exponent], ...others]);
      return this.select(base.condition, side(base.yes), side(base.no));
    }
    const [first] = factors;
    if (first === undefined) return this.constant(coefficient);
    const powersOnly = factors.length === 1 && first[1] === 1 ? first[0] : this.#productNode(factors);
    return coefficient === 1 ? powersOnly : this.linear(0, [[coefficient, powersOnly]]);
  }

  #productNode(factors: readonly Factor[]): Product {
    return this.#nodes.make({ kind: "product", factors });
  }

  multiply(...values: readonly Value[]): Value {
    return this.product(values.map((value) => [value, 1] as const));
  }

  divide(left: Value, right: Value): Value {
    if (left.kind === "constant" && right.kind === "constant") {
      const value = left.value / right.value;
      if (!Number.isNaN(value)) return this.constant(value);
    }
    return this.product([[left, 1], [right, -1]]);
  }

  /** `base ** exponent`. A constant integer exponent, or a half where the base is never negative, becomes a power. */
  power(base: Value, exponent: Value): Value {
    if (exponent.kind === "constant" && Number.isFinite(exponent.value)) {
      if (exponent.value === 0) return this.one;
      if (Number.isInteger(exponent.value) || base.facts.low >= 0) return this.product([[base, exponent.value]]);
    }
    return this.#applyNode("pow", [base, exponent]);
  }

  // Integers.

  /** `⌊left / right⌋` of integers, right ≥ 1. */
  quotient(left: Value, right: Value): Value {
    if (!left.facts.integer || !right.facts.integer) throw new InternalError("an integer quotient of numbers that are not integers");
    if (right.kind === "constant") {
      const divisor = right.value;
      if (divisor === 1) return left;
      if (left.kind === "constant") return this.constant(Math.floor(left.value / divisor));
      const [whole, rest] = this.#splitBy(left, divisor);
      if (rest.facts.low >= 0 && rest.facts.high < divisor) return whole;
      if (whole !== this.zero) return this.add(whole, this.quotient(rest, right));
      if (left.kind === "quotient" && left.right.kind === "constant") return this.quotient(left.left, this.constant(left.right.value * divisor));
    } else if (left.facts.low >= 0 && nonNegative(this.linear(-1, [[1, right], [-1, left]]))) return this.zero;
    return this.#nodes.make({ kind: "quotient", left, right });
  }

  /** JavaScript's `%`. */
  remainder(left: Value, right: Value): Value {
    if (left.kind === "constant" && right.kind === "constant") {
      const value = left.value % right.value;
      if (!Number.isNaN(value)) return this.constant(value);
    }
    let dividend = left;
    if (right.kind === "constant" && right.value >= 1 && right.facts.integer && left.facts.integer && left.facts.low >= 0) {
      const [, rest] = this.#splitBy(left, right.value);
      if (rest.facts.low >= 0) {
        if (rest.facts.high < right.value) return rest;
        dividend = rest;
      }
    } else if (left.facts.integer && right.facts.integer && left.facts.low >= 0 && nonNegative(this.linear(-1, [[1, right], [-1, left]]))) return left;
    return this.#nodes.make({ kind: "remainder", left: dividend, right });
  }

  /** `value = divisor · whole + rest`, with everything divisible in `whole`. */
  #splitBy(value: Value, divisor: number): readonly [whole: Value, rest: Value] {
    const { constant, terms } = asLinear(value);
    const multiple = Math.floor(constant / divisor);
    const divisible = terms.filter(([k, t]) => k % divisor === 0 && t.facts.integer);
    const others = terms.filter(([k, t]) => k % divisor !== 0 || !t.facts.integer);
    return [this.linear(multiple, divisible.map(([k, t]) => [k / divisor, t] as const)), this.linear(constant - multiple * divisor, others)];
  }

  /** `⌊value⌋`; of a fraction of integers an integer quotient. */
  floor(value: Value): Value {
    if (value.facts.integer) return value;
    if (value.kind === "constant") return this.constant(Math.floor(value.value));
    if (value.kind === "linear" && value.terms.every(([, t]) => t.facts.integer)) {
      const parts = [value.constant, ...value.terms.map(([k]) => k)].map((k) => fraction(k));
      if (parts.every((part) => part !== undefined)) {
        const divisor = parts.reduce((least, [, d]) => (least * d) / gcd(least, d), 1);
        if (divisor <= 2 ** 20) {
          const [constant = 0, ...scaled] = parts.map(([n, d]) => (n * divisor) / d);
          return this.quotient(this.linear(constant, value.terms.map(([, t], at) => [scaled[at] ?? 0, t] as const)), this.constant(divisor));
        }
      }
    }
    if (value.kind === "product") {
      const below = value.factors.filter(([, e]) => e < 0);
      const above = value.factors.filter(([, e]) => e > 0);
      const [only] = below;
      if (only !== undefined && below.length === 1 && only[1] === -1 && only[0].facts.integer && only[0].facts.low >= 0) {
        const dividend = this.product(above);
        if (dividend.facts.integer) return this.quotient(dividend, only[0]);
      }
    }
    return this.#applyNode("floor", [value]);
  }

  bitwise(op: BitwiseOperator, left: Value, right: Value): Value {
    if (left.kind === "constant" && right.kind === "constant") {
      const [a, b] = [left.value, right.value];
      return this.constant(op === "&" ? a & b : op === "|" ? a | b : op === "^" ? a ^ b : op === "<<" ? a << b : op === ">>" ? a >> b : a >>> b);
    }
    return this.#nodes.make({ kind: "bitwise", op, left, right });
  }

  // Functions.

  apply(fn: MathFunction, args: readonly Value[]): Value {
    const [x, y] = args;
    if (x === undefined) throw new InternalError(`Math.${fn} of nothing`);
    switch (fn) {
      case "floor": return this.floor(x);
      case "ceil": return x.facts.integer ? x : this.negate(this.floor(this.negate(x)));
      case "trunc": if (x.facts.low >= 0) return this.floor(x); if (x.facts.integer) return x; break;
      case "round": if (x.facts.integer) return x; break;
      case "pow": if (y !== undefined) return this.power(x, y); break;
      case "sqrt": if (x.facts.low >= 0 && x.kind !== "constant") return this.product([[x, 0.5]]); break;
      case "abs": if (x.facts.low >= 0) return x; if (x.facts.high <= 0) return this.negate(x); break;
      default:
    }
    if (args.every((arg): arg is Constant => arg.kind === "constant")) {
      const [a = NaN, b = NaN] = args.map((arg) => arg.value);
      const value = fn === "pow" ? a ** b : fn === "atan2" ? Math.atan2(a, b) : Math[fn](a);
      if (!Number.isNaN(value)) return this.constant(value);
    }
    if (x.kind === "select" && hasInfiniteBranch(x) && y === undefined) return this.select(x.condition, this.apply(fn, [x.yes]), this.apply(fn, [x.no]));
    return this.#applyNode(fn, args);
  }

  #applyNode(fn: MathFunction, args: readonly Value[]): Apply {
    return this.#nodes.make({ kind: "apply", fn, args });
  }

  larger(left: Value, right: Value): Value {
    return this.#extreme("larger", left, right);
  }

  smaller(left: Value, right: Value): Value {
    return this.#extreme("smaller", left, right);
  }

  #extreme(kind: "larger" | "smaller", left: Value, right: Value): Value {
    if (left === right) return left;
    if (left.kind === "constant" && right.kind === "constant") return this.constant(kind === "larger" ? Math.max(left.value, right.value) : Math.min(left.value, right.value));
    const [a, b] = left.id < right.id ? [left, right] : [right, left];
    if (a.facts.integer && b.facts.integer) {
      if (nonNegative(this.subtract(a, b))) return kind === "larger" ? a : b;
      if (nonNegative(this.subtract(b, a))) return kind === "larger" ? b : a;
    } else if (isFinite(a.facts) && isFinite(b.facts)) {
      if (a.facts.low >= b.facts.high) return kind === "larger" ? a : b;
      if (b.facts.low >= a.facts.high) return kind === "larger" ? b : a;
    }
    if (a.kind === "constant" && a.value === (kind === "larger" ? -Infinity : Infinity)) return b;
    if (b.kind === "constant" && b.value === (kind === "larger" ? -Infinity : Infinity)) return a;
    return this.#nodes.make({ kind, left: a, right: b });
  }

  /** `value` forced into 0 … extent − 1. */
  clamp(value: Value, extent: Value): Value {
    return this.smaller(this.larger(value, this.zero), this.linear(-1, [[1, extent]]));
  }

  // Truths.

  less(left: Value, right: Value): Value {
    if (left === right) return this.false;
    if (left.kind === "constant" && right.kind === "constant") return this.truth(left.value < right.value);
    if (left.facts.integer && right.facts.integer && isFinite(left.facts) && isFinite(right.facts)) return this.#negative(this.subtract(left, right));
    if (left.facts.high < right.facts.low && !left.facts.mayBePositiveInfinity && !right.facts.mayBeNegativeInfinity) return this.true;
    if (left.facts.low >= right.facts.high && !left.facts.mayBeNegativeInfinity && !right.facts.mayBePositiveInfinity) return this.false;
    return this.#nodes.make({ kind: "less", left, right });
  }

  /** `difference < 0` of an integer. */
  #negative(difference: Value): Value {
    let made = this.#negatives.get(difference);
    if (made === undefined) this.#negatives.set(difference, (made = this.#makeNegative(difference)));
    return made;
  }

  #makeNegative(difference: Value): Value {
    if (difference.kind === "constant") return this.truth(difference.value < 0);
    if (difference.facts.high < 0) return this.true;
    if (difference.facts.low >= 0 || nonNegative(difference)) return this.false;
    if (nonNegative(this.linear(-1, [[-1, difference]]))) return this.true;
    const { constant, terms } = asLinear(difference);
    const divisor = terms.reduce((least, [k]) => gcd(least, Math.abs(k)), 0);
    if (divisor > 1) return this.#negative(this.linear(Math.floor(constant / divisor), terms.map(([k, t]) => [k / divisor, t] as const)));
    for (const coefficient of new Set(terms.map(([k]) => Math.abs(k)))) {
      if (coefficient === 1) continue;
      const [whole, rest] = this.#splitBy(difference, coefficient);
      if (whole.kind !== "constant" && rest.facts.low >= 0 && rest.facts.high < coefficient) return this.#negative(whole);
    }
    return this.#nodes.make({ kind: "less", left: difference, right: this.zero });
  }

  atMost(left: Value, right: Value): Value {
    if (left === right) return this.true;
    if (left.kind === "constant" && right.kind === "constant") return this.truth(left.value <= right.value);
    if (left.facts.integer && right.facts.integer && isFinite(left.facts) && isFinite(right.facts)) return this.not(this.less(right, left));
    return this.#nodes.make({ kind: "atMost", left, right });
  }

  /** `left === right` of numbers. An input compared with an infinity is asked, never assumed finite. */
  equal(left: Value, right: Value): Value {
    if (left === right) return this.true;
    if (left.kind === "constant" && right.kind === "constant") return this.truth(left.value === right.value);
    const [a, b] = right.kind === "constant" || (left.kind !== "constant" && left.id < right.id) ? [left, right] : [right, left];
    if (b.kind === "constant") {
      const { value } = b;
      // (x = k ? k : x) = k is x = k.
      if (a.kind === "select" && a.yes === b && a.condition.kind === "equal" && a.condition.left === a.no && a.condition.right === b) return a.condition;
      const asked = a.kind === "load" && (a.tensor.element.kind === "f32" || a.tensor.element.kind === "f16");
      if (!asked && value === -Infinity && !a.facts.mayBeNegativeInfinity) return this.false;
      if (!asked && value === Infinity && !a.facts.mayBePositiveInfinity) return this.false;
      if (value === 0 && a.facts.nonZero) return this.false;
      if (Number.isFinite(value) && isFinite(a.facts) && (a.facts.low > value || a.facts.high < value)) return this.false;
      if (a.facts.integer && !Number.isInteger(value)) return this.false;
      if (a.facts.integer && a.facts.low === 0 && a.facts.high === 1) return value === 0 ? this.less(a, this.one) : this.not(this.less(a, this.one));
    } else if (a.facts.integer && b.facts.integer) {
      const difference = this.subtract(a, b);
      if (difference.kind === "constant") return this.truth(difference.value === 0);
      if (difference.facts.low > 0 || difference.facts.high < 0) return this.false;
      if (nonNegative(this.linear(-1, [[1, difference]])) || nonNegative(this.linear(-1, [[-1, difference]]))) return this.false;
    }
    return this.#nodes.make({ kind: "equal", left: a, right: b });
  }

  /** Not `a < b` of integers is `b ≤ a`; of reals it stays a negation, which NaN tells from `b ≤ a`. */
  not(value: Value): Value {
    if (value.kind === "truth") return this.truth(!value.value);
    if (value.kind === "not") return value.of;
    if (value.kind === "less" && value.left.facts.integer && value.right === this.zero) return this.#negative(this.linear(-1, [[-1, value.left]]));
    return this.#nodes.make({ kind: "not", of: value });
  }

  and(...values: readonly Value[]): Value {
    return this.#junction("and", values);
  }

  or(...values: readonly Value[]): Value {
    return this.#junction("or", values);
  }

  #junction(kind: "and" | "or", values: readonly Value[]): Value {
    const [absorbing, neutral] = kind === "and" ? [this.false, this.true] : [this.true, this.false];
    const parts = new Set<Value>();
    for (const value of values) for (const part of value.kind === kind ? value.of : [value]) if (part !== neutral) parts.add(part);
    if (parts.has(absorbing)) return absorbing;
    for (const part of parts) if (parts.has(this.not(part))) return absorbing;
    const list = [...parts].sort((a, b) => a.id - b.id);
    const [first] = list;
    if (first === undefined) return neutral;
    return list.length === 1 ? first : this.#nodes.make({ kind, of: list });
  }

  /** `condition ? yes : no`, of numbers or of truths. */
  select(condition: Value, yes: Value, no: Value): Value {
    if (condition.kind === "truth") return condition.value ? yes : no;
    if (yes === no) return yes;
    if (condition.kind === "not") return this.select(condition.of, no, yes);
    const a = this.assume(yes, condition, true);
    const b = this.assume(no, condition, false);
    if (a === b) return a;
    if (isTruth(a)) return this.or(this.and(condition, a), this.and(this.not(condition), b));
    return this.#affine(condition, a, b) ?? this.#nodes.make({ kind: "select", condition, yes: a, no: b });
  }

  /** A select on an axis of two positions whose branches differ by a constant is linear in it. */
  #affine(condition: Value, yes: Value, no: Value): Value | undefined {
    if (condition.kind !== "less" || condition.right !== this.zero || condition.left.kind !== "linear" || condition.left.constant !== -1) return undefined;
    const [only] = condition.left.terms;
    if (only === undefined || condition.left.terms.length !== 1 || only[0] !== 1 || only[1].kind !== "index" || only[1].facts.high !== 1) return undefined;
    const first = this.substitute(yes, new Map([[only[1], this.zero]]));
    const second = this.substitute(no, new Map([[only[1], this.one]]));
    const difference = this.subtract(second, first);
    return difference.kind === "constant" && Number.isFinite(difference.value) ? this.add(first, this.scale(difference.value, only[1])) : undefined;
  }

  /** A value read where `condition` is known. */
  assume(value: Value, condition: Value, holds: boolean): Value {
    const known = new Map<Value, Value>([[condition, this.truth(holds)]]);
    if (holds && condition.kind === "and") for (const part of condition.of) known.set(part, this.true);
    if (!holds && condition.kind === "or") for (const part of condition.of) known.set(part, this.false);
    if (!holds) this.#finite(condition, known);
    return this.substitute(value, known);
  }

  /** Where an element is not the infinity that it is compared with, it is known not to be. */
  #finite(condition: Value, known: Map<Value, Value>): void {
    if (condition.kind !== "equal" || condition.left.kind !== "load" || condition.right.kind !== "constant") return;
    const { tensor, indices } = condition.left;
    const { infinities } = tensor;
    if (infinities === undefined || Number.isFinite(condition.right.value)) return;
    const left = condition.right.value < 0 ? { ...infinities, negative: false } : { ...infinities, positive: false };
    known.set(condition.left, this.load({ ...tensor, infinities: left }, indices));
  }

  // Binders.

  /** `op` over `index`, which `body` and `where` mention free. */
  reduce(op: ReduceOperator, index: Value, body: Value, where: Value = this.true): Value {
    // An axis of one position has no index node: its only position is 0.
    if (index.kind !== "index") {
      if (index !== this.zero) throw new InternalError("a reduction over something that is no index");
      return this.select(where, op === "argmax" || op === "argmin" ? this.zero : body, this.identity(op));
    }
    if (index.extent === this.zero) return this.identity(op);
    if (op === "any") {
      const condition = this.and(where, body);
      return this.#guarded(op, index, this.true, condition);
    }
    const identity = this.identity(op === "argmax" ? "max" : op === "argmin" ? "min" : op);
    if (body.kind === "select" && body.no === identity) return this.reduce(op, index, body.yes, this.and(where, body.condition));
    if (body.kind === "select" && body.yes === identity) return this.reduce(op, index, body.no, this.and(where, this.not(body.condition)));
    if (body === identity) return this.identity(op);
    return this.#guarded(op, index, body, where);
  }

  /** What `op` gives over nothing. */
  identity(op: ReduceOperator): Value {
    switch (op) {
      case "sum": case "argmax": case "argmin": return this.zero;
      case "max": return this.constant(-Infinity);
      case "min": return this.constant(Infinity);
      case "any": return this.false;
    }
  }

  #guarded(op: ReduceOperator, index: Index, body: Value, where: Value): Value {
    if (where === this.false) return this.identity(op);
    if (op === "any" && where === this.true) return this.less(this.zero, index.extent);
    const guards = where.kind === "and" ? where.of : where === this.true ? [] : [where];
    const known = new Map<Value, Value>();
    for (const guard of guards) if (guard.kind === "not") this.#finite(guard.of, known);
    if (known.size > 0) {
      const read = this.substitute(body, known);
      if (read !== body) return this.reduce(op, index, read, where);
    }
    const outer = guards.filter((guard) => !guard.free.includes(index.name));
    if (outer.length > 0) {
      const inner = this.and(...guards.filter((guard) => !outer.includes(guard)));
      return this.select(this.and(...outer), this.#guarded(op, index, body, inner), this.identity(op));
    }
    return hoisted(this, op, index, body, where) ?? this.#reduceNode(op, index, body, where);
  }

  #reduceNode(op: ReduceOperator, index: Index, body: Value, where: Value): Reduce {
    const { axis, extent } = index;
    const level = 1 + Math.max(body.levels[axis] ?? -1, where.levels[axis] ?? -1);
    const bound = `${axis}#${level}`;
    const renamed = index.name === bound ? undefined : new Map<Value, Value>([[index, this.#indexNode(axis, extent, bound)]]);
    const [b, w] = renamed === undefined ? [body, where] : [this.substitute(body, renamed), this.substitute(where, renamed)];
    const bare = { kind: "reduce", op, axis, bound, extent, where: w, body: b } satisfies Bare<Reduce>;
    return this.#nodes.make(bare);
  }

  /** `body` with `index`, which it mentions free, at position `at`: to be computed for every position and looked up. */
  table(index: Value, body: Value, at: Value): Value {
    if (index.kind !== "index") return body;
    if (at.kind === "constant" || !body.free.includes(index.name)) return this.substitute(body, new Map([[index, at]]));
    return this.#tableNode(index, body, at);
  }

  #tableNode(index: Index, body: Value, at: Value): Table {
    const { axis, extent } = index;
    const level = 1 + (body.levels[axis] ?? -1);
    const bound = `${axis}#${level}`;
    const inner = index.name === bound ? body : this.substitute(body, new Map<Value, Value>([[index, this.#indexNode(axis, extent, bound)]]));
    return this.#nodes.make({ kind: "table", axis, bound, extent, body: inner, at });
  }

  /** An element of a staged value or of a fold's state, of which the caller knows `facts`. */
  slot(name: string, indices: readonly Value[], facts: Facts): Slot {
    return this.#nodes.make({ kind: "slot", name, indices }, facts);
  }

  /** Reads under a binder: its axis becomes the first free index `axis@k` that the binder does not mention. */
  open(binder: Binder, avoid: readonly string[] = []): Opened {
    let k = 0;
    while (binder.free.includes(`${binder.axis}@${k}`) || avoid.includes(`${binder.axis}@${k}`)) k++;
    return this.openAs(binder, k);
  }

  openAs(binder: Binder, k: number): Opened {
    const openings = this.#openings.get(binder) ?? new Map<number, Opened>();
    this.#openings.set(binder, openings);
    let opened = openings.get(k);
    if (opened === undefined) {
      const index = this.#indexNode(binder.axis, binder.extent, `${binder.axis}@${k}`);
      const names = new Map<Value, Value>([[this.#indexNode(binder.axis, binder.extent, binder.bound), index]]);
      opened = { index, where: binder.kind === "reduce" ? this.substitute(binder.where, names) : this.true, body: this.substitute(binder.body, names) };
      openings.set(k, opened);
    }
    return opened;
  }

  /** What is made of a node has the place of that node. */
  #at<T>(value: Value, make: () => T): T {
    const outer = this.span;
    this.span = this.spans.get(value) ?? outer;
    const made = make();
    this.span = outer;
    return made;
  }

  /** Replaces nodes throughout; what is put in must be open (mention no bound index). */
  substitute(value: Value, replacements: ReadonlyMap<Value, Value>): Value {
    const sought = soughtIn(replacements);
    if (!mayHold(value, sought)) return value;
    return this.#substituting(replacements, sought, new Map())(value);
  }

  /** What replaces nodes in one value after the other; `done` holds what has become of them. */
  #substituting(replacements: ReadonlyMap<Value, Value>, sought: Sought, done: Map<Value, Value>): (value: Value) => Value {
    const nodes = this.#nodes;
    const into = (value: Value): Value => {
      if (!mayHold(value, sought)) return value;
      const replaced = replacements.get(value) ?? done.get(value);
      if (replaced !== undefined) return replaced;
      // What is made of a node has the place of that node.
      const outer = nodes.span;
      nodes.span = nodes.spans.get(value) ?? outer;
      const result = value.kind === "reduce" || value.kind === "table" ? this.#substituteBinder(value, replacements, into) : this.rebuild(value, into);
      nodes.span = outer;
      done.set(value, result);
      return result;
    };
    return into;
  }

  #substituteBinder(binder: Binder, replacements: ReadonlyMap<Value, Value>, into: (part: Value) => Value): Value {
    const bound = this.#indexNode(binder.axis, binder.extent, binder.bound);
    // A replacement of the bound name itself is meant for an outer binder, never for this one.
    const scoped = replacements.has(bound);
    const inner = scoped ? new Map([...replacements].filter(([from]) => from !== bound)) : replacements;
    const under = scoped ? this.#substituting(inner, soughtIn(inner), new Map()) : into;
    const [extent, body] = [into(binder.extent), under(binder.body)];
    // The index itself changes with its extent, and vanishes where the axis has one position.
    const index = extent === binder.extent ? bound : this.#position(binder.axis, extent, binder.bound);
    const moved = new Map<Value, Value>([[bound, index]]);
    const follow = (part: Value): Value => (index === bound ? part : this.substitute(part, moved));
    if (binder.kind === "table") {
      const at = into(binder.at);
      return index === bound && body === binder.body && at === binder.at ? binder : this.table(index, follow(body), at);
    }
    const where = under(binder.where);
    return index === bound && where === binder.where && body === binder.body ? binder : this.reduce(binder.op, index, follow(body), follow(where));
  }

  /** The same node over other parts, through the factories; a binder is rebuilt opened. */
  rebuild(value: Value, map: (part: Value) => Value): Value {
    const opened = value.kind === "reduce" || value.kind === "table" ? this.open(value) : undefined;
    const parts = opened === undefined ? children(value) : [opened.body, value.kind === "table" ? value.at : opened.where];
    let changed = false;
    const mapped: Value[] = [];
    for (const part of parts) {
      const made = map(part);
      changed ||= made !== part;
      mapped.push(made);
    }
    if (!changed) return value;
    const part = (at: number): Value => mapped[at] ?? value;
    switch (value.kind) {
      case "constant": case "truth": case "extent": return value;
      case "index": return this.#position(value.axis, part(0), value.name);
      case "load": return this.load(value.tensor, mapped);
      case "slot": return this.slot(value.name, mapped, value.facts);
      case "linear": return this.linear(value.constant, value.terms.map(([k], at) => [k, part(at)] as const));
      case "product": return this.product(value.factors.map(([, e], at) => this.#asRoot(part(at), e)));
      case "apply": return this.apply(value.fn, mapped);
      case "not": return this.not(part(0));
      case "and": case "or": return this.#junction(value.kind, mapped);
      case "select": return this.select(part(0), part(1), part(2));
      case "reduce": return opened === undefined ? value : this.reduce(value.op, opened.index, part(0), part(1));
      case "table": return opened === undefined ? value : this.table(opened.index, part(0), part(1));
      case "quotient": return this.quotient(part(0), part(1));
      case "remainder": return this.remainder(part(0), part(1));
      case "bitwise": return this.bitwise(value.op, part(0), part(1));
      case "larger": case "smaller": return this.#extreme(value.kind, part(0), part(1));
      case "less": return this.less(part(0), part(1));
      case "atMost": return this.atMost(part(0), part(1));
      case "equal": return this.equal(part(0), part(1));
    }
  }

  /** A factor; of a base that is no longer known not to be negative, the power stays a function of it. */
  #asRoot(base: Value, exponent: number): Factor {
    if (Number.isInteger(exponent) || base.facts.low >= 0) return [base, exponent];
    return Number.isInteger(2 * exponent) ? [this.apply("sqrt", [base]), 2 * exponent] : [this.power(base, this.constant(exponent)), 1];
  }

  /** Rewrites bottom up, binders opened: `rule` sees a node whose parts are rewritten and may replace it. */
  rewrite(value: Value, rule: (value: Value) => Value | undefined, done: Map<Value, Value> = new Map()): Value {
    const had = done.get(value);
    if (had !== undefined) return had;
    const result = this.#at(value, () => {
      const rebuilt = this.rebuild(value, (part) => this.rewrite(part, rule, done));
      return rule(rebuilt) ?? rebuilt;
    });
    done.set(value, result);
    return result;
  }

  /** Makes a node exactly as it was saved, without bringing it to normal form. For the reader of serialised graphs. */
  restore(bare: Bare<Exclude<Value, Table | Slot>>): Value {
    return this.#nodes.make(bare);
  }
}

interface Summed {
  readonly term: Value;
  k: number;
  /** The positive coefficients alone, for what cancels but may be infinite. */
  above: number;
}

/** Terms with their coefficients, each once, in the order in which they came. */
class Sum {
  readonly terms: Summed[] = [];
  /** By term, where there are too many to look through. */
  #places: Map<Value, Summed> | undefined;

  /** @returns false, and does nothing, where the coefficient would not be finite */
  add(coefficient: number, term: Value): boolean {
    const known = this.#find(term);
    const total = (known?.k ?? 0) + coefficient;
    if (!Number.isFinite(total)) return false;
    const above = Math.max(0, coefficient);
    if (known === undefined) this.#put({ term, k: total, above });
    else {
      known.k = total;
      known.above += above;
    }
    return true;
  }

  #find(term: Value): Summed | undefined {
    if (this.#places !== undefined) return this.#places.get(term);
    for (const each of this.terms) if (each.term === term) return each;
    return undefined;
  }

  #put(summed: Summed): void {
    this.terms.push(summed);
    if (this.#places !== undefined) this.#places.set(summed.term, summed);
    else if (this.terms.length > FEW) this.#places = new Map(this.terms.map((each) => [each.term, each]));
  }
}

/** Terms that are looked through one by one. */
const FEW = 16;

/** The age of the oldest node that is sought and, where only indices are, their names: what has none of them free stays as it is. */
interface Sought {
  readonly age: number;
  readonly names: readonly string[] | undefined;
}

/** Whether something sought can be in a value. Parts are older than what they are part of: nothing is below a node older than all that is sought. */
function mayHold({ id, free }: Value, { age, names }: Sought): boolean {
  if (id < age) return false;
  if (names === undefined) return true;
  for (const name of free) if (names.includes(name)) return true;
  return false;
}

function soughtIn(replacements: ReadonlyMap<Value, Value>): Sought {
  let age = Infinity;
  let names: string[] | undefined = [];
  for (const value of replacements.keys()) {
    age = Math.min(age, value.id);
    if (value.kind === "index") names?.push(value.name);
    else names = undefined;
  }
  return { age, names };
}

const hasInfiniteBranch = ({ yes, no }: Select): boolean => [yes, no].some((branch) => branch.kind === "constant" && !Number.isFinite(branch.value));

/** A number as a constant and terms, whatever its kind. */
export function asLinear(value: Value): Pick<Linear, "constant" | "terms"> {
  if (value.kind === "linear") return value;
  if (value.kind === "constant" && Number.isFinite(value.value)) return { constant: value.value, terms: [] };
  return { constant: 0, terms: [[1, value]] };
}
