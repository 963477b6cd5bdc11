/**
 * @file Numbers with a bound on what f32 may make of them, and the arithmetic of such numbers. `spec/numerics.md` derives
 * the rules.
 *
 * The bound holds for every evaluation that is equal over the reals by associativity, commutativity and distributivity:
 * products may be distributed over sums and factors taken out of them, sums taken in any order. That is what `size` is
 * for: the sum of the magnitudes of all monomials, which no such rearrangement changes, where `|value|` would shrink by
 * cancellation. `span` is the same where a reduction counts as one monomial: factors move into reductions, but what is
 * added to one is added to its result.
 *
 * Errors that come from one source may cancel, so an error is kept as a linear form in the errors of its sources, which
 * are the values of reductions (*atoms*), and a rest: see `form.ts`.
 */

import { expanded, FormSum, NO_FORM, reach, scaled, type Form } from "./form";
import { gamma, type Accuracy } from "./accuracy";
import { EXACT_INTEGERS, LARGEST, LEAST_NORMAL } from "./rounding";

export interface Approximate {
  /** What the graph means, in f64. A truth is 1 or 0. */
  readonly value: number;
  /** How far a device's f32 may lie from it; +∞ where nothing is promised. */
  readonly error: number;
  /** A bound on the sum of magnitudes of the monomials of any evaluation. */
  readonly size: number;
  /** The same, the result of a reduction counting as one monomial. */
  readonly span: number;
  /** Whether `error` spans a jump, because a comparison or a rounding to an integer may fall either way. */
  readonly undecided: boolean;
  /** Whether this number's error is a source of its own, that others are expressed by. */
  readonly atomic: boolean;
  /** The part of the error that comes from sources. */
  readonly form: Form;
  /** The part that does not: the error is at most `form` and `rest` together. */
  readonly rest: number;
  /** Order of creation, of those that have a form. */
  readonly age: number;
}

let ages = 0;

function plain(value: number, error: number, size: number, undecided: boolean, span = size): Approximate {
  return { value, error, size, span, undecided, atomic: false, form: NO_FORM, rest: error, age: 0 };
}

/** A number that every device has exactly. */
export const exactly = (value: number, undecided = false): Approximate => plain(value, 0, Number.isFinite(value) ? Math.abs(value) : 0, undecided);

/** Nothing is promised of this number. */
export const unbounded = (value: number, undecided = false): Approximate => plain(value, Infinity, Infinity, undecided);

/** A number stored as f32 or written as a constant: exact if it is an f32, and not one that may be flushed. */
export function stored(accuracy: Accuracy, value: number): Approximate {
  const magnitude = Math.abs(value);
  if (value === 0 || magnitude === Infinity) return exactly(value);
  const rounded = gamma(accuracy, 1, 1) * magnitude + (magnitude < LEAST_NORMAL ? accuracy.flush : 0);
  const error = magnitude < accuracy.leastNormal ? magnitude : Math.fround(value) === value ? 0 : rounded;
  return plain(value, error, magnitude + error, false);
}

/** A result with its bound, or `unbounded` where f32 overflows or the bound is void. */
export function bounded(value: number, error: number, size: number, undecided: boolean, span = size): Approximate {
  const least = Math.abs(value) + error;
  const widest = Math.max(size, least);
  return widest <= LARGEST ? plain(value, error, widest, undecided, Math.max(span, least)) : unbounded(value, undecided);
}

/** How much there is of a number beside its value. */
export interface Extent {
  readonly size: number;
  readonly span: number;
}

/** The same, its error made of a form and a rest; `error` may be known to be less than they come to. */
export function formed(value: number, form: Form, rest: number, { size, span }: Extent, undecided: boolean, error = reach(form) + rest): Approximate {
  if (form === NO_FORM) return bounded(value, rest, size, undecided, span);
  const least = Math.abs(value) + error;
  const widest = Math.max(size, least);
  if (!(widest <= LARGEST)) return unbounded(value, undecided);
  return { value, error, size: widest, span: Math.max(span, least), undecided, atomic: false, form, rest, age: ++ages };
}

/** A result to which no rule of arithmetic applies any more: nothing distributes over it. */
export const opaque = (value: number, error: number, undecided: boolean): Approximate => bounded(value, error, 0, undecided);

const asSource = (of: Approximate): Approximate => ({ ...of, atomic: true, form: NO_FORM, rest: of.error });

/** The value of a reduction: a source of errors for what is computed from it, unless its own come from other sources. */
export function sourced(of: Approximate): Approximate {
  if (of.atomic || of.error === 0 || of.error === Infinity) return of;
  return of.form === NO_FORM ? asSource(of) : settled(of);
}

/** A number that is stored, or is not, for all its uses alike: what storing does to it is a source of its own. */
export function kept({ store }: Accuracy, of: Approximate): Approximate {
  if (store === 0 || of.error === 0 || of.error === Infinity) return of;
  const further = store * (Math.abs(of.value) + of.error);
  if (of.form === NO_FORM && !of.atomic) return bounded(of.value, of.error + further, of.size, of.undecided, of.span);
  const sources = new FormSum();
  sources.add(1, of);
  sources.add(1, asSource(plain(0, further, further, false)));
  return formed(of.value, sources.form, sources.rest, of, of.undecided, of.error + further);
}

/** A multiple of a reduction's value: a source in place of that value. */
export function rescaled(of: Approximate): Approximate {
  const [only] = of.form.sources;
  return only?.atomic === true && of.form.sources.length === 1 ? asSource(of) : of;
}

/** The same number, its error as small as cancellation makes it. */
export function settled(of: Approximate): Approximate {
  if (of.atomic || of.form === NO_FORM) return of;
  const { form, rest } = expanded(of.form, of.rest);
  const error = reach(form) + rest;
  return error < of.error ? { ...of, form, rest, error } : of;
}

/** An infinity that is a value of its own: a device tests for it and never computes with it, so it has no monomials. */
const infinite = (value: number, undecided: boolean): Approximate => plain(value, 0, 0, undecided);

const isInfinite = ({ value }: Approximate): boolean => value === Infinity || value === -Infinity;

/** Whether exact integers stay exact: no rounding happens below 2²⁴. */
const staysInteger = (integer: boolean, size: number, error: number): boolean => integer && error === 0 && size <= EXACT_INTEGERS;

/**
 * `constant + Σ coefficient · term`. Each monomial is rounded once for its coefficient if that is no f32, once for the
 * product with it unless it is ±1, and once for each addition.
 */
export function linear(accuracy: Accuracy, constant: number, coefficients: readonly number[], terms: readonly Approximate[], integer: boolean): Approximate {
  const additions = terms.length - 1 + (constant === 0 ? 0 : 1);
  const sources = new FormSum();
  let value = constant;
  let error = 0;
  let size = Math.abs(constant);
  let span = size;
  // What has been added up so far may be stored before the rest is added.
  const added = gamma(accuracy, additions, Math.max(0, additions - 1));
  let rounding = size * (Math.fround(constant) === constant ? added : gamma(accuracy, additions + 1, 1));
  let undecided = false;
  let boundless = false;
  let infinity = false;
  for (const [at, term] of terms.entries()) {
    const coefficient = coefficients[at] ?? 0;
    const magnitude = Math.abs(coefficient);
    value += coefficient * term.value;
    undecided ||= term.undecided;
    if (isInfinite(term)) {
      infinity = true;
      boundless ||= term.error > 0;
      continue;
    }
    error += magnitude * term.error;
    sources.add(coefficient, term);
    size += magnitude * term.size;
    span += magnitude * term.span;
    const scaling = magnitude === 1 ? 0 : Math.fround(coefficient) === coefficient ? 1 : 2;
    // A coefficient may go into a reduction and be rounded in each of its monomials; what is added to it may not.
    rounding += magnitude * (term.span * added + term.size * gamma(accuracy, scaling, Math.min(scaling, 1)) * (1 + added));
  }
  if (infinity) return boundless || Number.isNaN(value) || !(error < Infinity) ? unbounded(value, undecided) : infinite(value, undecided);
  if (staysInteger(integer, size, error)) return plain(value, error, size, undecided, span);
  const flushes = size > 0 ? (additions + terms.length) * accuracy.flush : 0;
  const result = additions === 0 ? 0 : accuracy.store * (Math.abs(value) + error + rounding);
  return formed(value, sources.form, sources.rest + rounding + result + flushes, { size, span }, undecided);
}

/** `left · right`, rounded once in every monomial. */
export function multiply(accuracy: Accuracy, left: Approximate, right: Approximate, integer: boolean): Approximate {
  const value = left.value * right.value;
  const undecided = left.undecided || right.undecided;
  if (isInfinite(left) || isInfinite(right)) {
    return Number.isNaN(value) || left.error > 0 || right.error > 0 ? unbounded(value, undecided) : infinite(value, undecided);
  }
  // An exact 0 stays exact whatever it multiplies.
  if (left.size === 0 || right.size === 0) return left.error + right.error < Infinity ? exactly(0, undecided) : unbounded(value, undecided);
  const size = left.size * right.size;
  if (staysInteger(integer, size, left.error + right.error)) return plain(value, 0, size, undecided);
  const rounding = gamma(accuracy, 1, 1);
  const own = left.error * right.error + rounding * size + accuracy.flush * Math.max(1, left.size) * Math.max(1, right.size);
  const extent = { size: size * (1 + rounding), span: left.span * right.span * (1 + rounding) };
  const rest = Math.abs(left.value) * right.rest + Math.abs(right.value) * left.rest + own;
  if (!left.atomic && right.form === NO_FORM && !right.atomic) {
    const error = Math.abs(left.value) * right.error + Math.abs(right.value) * left.error + own;
    return formed(value, scaled(left.form, right.value), rest, extent, undecided, error);
  }
  const sources = new FormSum();
  sources.add(right.value, left);
  sources.add(left.value, right);
  return formed(value, sources.form, sources.rest + own, extent, undecided);
}

/** `left / right`; nothing is promised where the divisor may be 0, or is outside [2⁻¹²⁶, 2¹²⁶]. */
export function divide(accuracy: Accuracy, left: Approximate, right: Approximate): Approximate {
  const value = left.value / right.value;
  const undecided = left.undecided || right.undecided;
  const magnitude = Math.abs(right.value);
  const least = magnitude - right.error;
  if (!(least >= LEAST_NORMAL && magnitude + right.error <= 2 ** 126)) return unbounded(value, undecided);
  if (isInfinite(left)) return left.error > 0 ? unbounded(value, undecided) : infinite(value, undecided);
  if (left.size === 0) return exactly(0, undecided);
  // (a + δa)/(b + δb) − a/b = (δa − (a/b)·δb)/b · (1 − δb/(b + δb))
  const sources = new FormSum();
  sources.add(1 / right.value, left);
  sources.add(-value / right.value, right);
  const { form, rest } = sources;
  const size = left.size / least;
  const rounding = gamma(accuracy, accuracy.division, 2);
  const own = ((reach(form) + rest) * right.error) / least + rounding * size + accuracy.flush * Math.max(1, 1 / least);
  return formed(value, form, rest + own, { size: size * (1 + rounding), span: (left.span / least) * (1 + rounding) }, undecided);
}

/** `base ^ exponent` of a positive integer exponent, by multiplications. */
export function integerPower(accuracy: Accuracy, base: Approximate, exponent: number, integer: boolean): Approximate {
  let power = base;
  for (let k = 1; k < exponent; k++) power = multiply(accuracy, power, base, integer);
  return power;
}

/** The larger (sign 1) or smaller (−1) of two. Grows with both, so that no jump arises. */
export function extreme(sign: 1 | -1, left: Approximate, right: Approximate): Approximate {
  const pick = (a: number, b: number): number => (sign === 1 ? Math.max(a, b) : Math.min(a, b));
  const value = pick(left.value, right.value);
  const above = pick(left.value + left.error, right.value + right.error);
  const below = pick(left.value - left.error, right.value - right.error);
  const undecided = left.undecided || right.undecided;
  return within(value, below, above, Math.max(left.size, right.size), undecided);
}

/** `value` where a device has something from `low` to `high`. */
export function within(value: number, low: number, high: number, size: number, undecided: boolean): Approximate {
  if (value === low && value === high) return isFinite(value) ? bounded(value, 0, size, undecided) : infinite(value, undecided);
  const error = Math.max(high - value, value - low);
  return Number.isNaN(error) ? unbounded(value, undecided) : bounded(value, error, size, undecided);
}

/** What may come of either branch, where the condition may fall either way. */
export function either(taken: Approximate, other: Approximate): Approximate {
  if (taken.value === other.value && taken.error + other.error === 0) return taken;
  const error = Math.max(taken.error, Math.abs(other.value - taken.value) + other.error);
  if (Number.isNaN(error) || !isFinite(taken.value) || !isFinite(other.value)) return unbounded(taken.value, true);
  return bounded(taken.value, error, Math.max(taken.size, other.size), true);
}
