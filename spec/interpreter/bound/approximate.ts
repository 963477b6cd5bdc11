/**
 * @file Numbers with a bound on what f32 may make of them, and the arithmetic of such numbers.
 *
 * The bound holds for every evaluation that is equal over the reals by associativity, commutativity and distributivity:
 * products may be distributed over sums and factors taken out of them, sums taken in any order. That is what `size` is
 * for: the sum of the magnitudes of all monomials, which no such rearrangement changes, where `|value|` would shrink by
 * cancellation.
 */

import { DIVISION_ULP, EXACT_INTEGERS, FLUSH, gamma, LARGEST, UNIT } from "./rounding";

export interface Approximate {
  /** What the graph means, in f64. A truth is 1 or 0. */
  readonly value: number;
  /** How far a device's f32 may lie from it; +∞ where nothing is promised. */
  readonly error: number;
  /** A bound on the sum of magnitudes of the monomials of any evaluation. */
  readonly size: number;
  /** Whether `error` spans a jump, because a comparison or a rounding to an integer may fall either way. */
  readonly undecided: boolean;
}

/** A number that every device has exactly. */
export const exactly = (value: number): Approximate => ({ value, error: 0, size: Number.isFinite(value) ? Math.abs(value) : 0, undecided: false });

/** Nothing is promised of this number. */
export const unbounded = (value: number, undecided = false): Approximate => ({ value, error: Infinity, size: Infinity, undecided });

/** A number stored as f32 or written as a constant: exact if it is an f32, and not one that may be flushed. */
export function stored(value: number): Approximate {
  const magnitude = Math.abs(value);
  if (value === 0 || magnitude === Infinity) return exactly(value);
  const error = magnitude < FLUSH ? magnitude : Math.fround(value) === value ? 0 : UNIT * magnitude;
  return { value, error, size: magnitude + error, undecided: false };
}

/** A result with its bound, or `unbounded` where f32 overflows or the bound is void. */
export function bounded(value: number, error: number, size: number, undecided: boolean): Approximate {
  const reach = Math.max(size, Math.abs(value) + error);
  return reach <= LARGEST ? { value, error, size: reach, undecided } : unbounded(value, undecided);
}

/** A result that is a new atom: nothing distributes over it. */
export const atom = (value: number, error: number, undecided: boolean): Approximate => bounded(value, error, 0, undecided);

/** An infinity that is a value of its own: a device tests for it and never computes with it, so it has no monomials. */
const infinite = (value: number, undecided: boolean): Approximate => ({ value, error: 0, size: 0, undecided });

const isInfinite = ({ value }: Approximate): boolean => value === Infinity || value === -Infinity;

/** Whether exact integers stay exact: no rounding happens below 2²⁴. */
const staysInteger = (integer: boolean, size: number, error: number): boolean => integer && error === 0 && size <= EXACT_INTEGERS;

/**
 * `constant + Σ coefficient · term`. Each monomial is rounded once for its coefficient if that is no f32, once for the
 * product with it unless it is ±1, and once for each addition.
 */
export function linear(constant: number, coefficients: readonly number[], terms: readonly Approximate[], integer: boolean): Approximate {
  const additions = terms.length - 1 + (constant === 0 ? 0 : 1);
  let value = constant;
  let error = 0;
  let size = Math.abs(constant);
  let rounding = size * gamma(additions + (Math.fround(constant) === constant ? 0 : 1));
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
    size += magnitude * term.size;
    const scaling = magnitude === 1 ? 0 : Math.fround(coefficient) === coefficient ? 1 : 2;
    rounding += magnitude * term.size * gamma(additions + scaling);
  }
  if (infinity) return boundless || Number.isNaN(value) || !(error < Infinity) ? unbounded(value, undecided) : infinite(value, undecided);
  if (staysInteger(integer, size, error)) return { value, error, size, undecided };
  if (size > 0) error += rounding + (additions + terms.length) * FLUSH;
  return bounded(value, error, size, undecided);
}

/** `left · right`, rounded once in every monomial. */
export function multiply(left: Approximate, right: Approximate, integer: boolean): Approximate {
  const value = left.value * right.value;
  const undecided = left.undecided || right.undecided;
  if (isInfinite(left) || isInfinite(right)) {
    return Number.isNaN(value) || left.error > 0 || right.error > 0 ? unbounded(value, undecided) : infinite(value, undecided);
  }
  // An exact 0 stays exact even beside something boundless: it is what a mask multiplies by.
  if (left.size === 0 || right.size === 0) return left.error + right.error < Infinity ? exactly(0) : unbounded(value, undecided);
  const size = left.size * right.size;
  const propagated = Math.abs(left.value) * right.error + Math.abs(right.value) * left.error + left.error * right.error;
  if (staysInteger(integer, size, propagated)) return { value, error: 0, size, undecided };
  return bounded(value, propagated + UNIT * size + FLUSH * Math.max(1, left.size) * Math.max(1, right.size), size * (1 + UNIT), undecided);
}

/** `left / right`; nothing is promised where the divisor may be 0, or is outside [2⁻¹²⁶, 2¹²⁶]. */
export function divide(left: Approximate, right: Approximate): Approximate {
  const value = left.value / right.value;
  const undecided = left.undecided || right.undecided;
  const magnitude = Math.abs(right.value);
  const least = magnitude - right.error;
  if (!(least >= FLUSH && magnitude + right.error <= 2 ** 126)) return unbounded(value, undecided);
  if (isInfinite(left)) return left.error > 0 ? unbounded(value, undecided) : infinite(value, undecided);
  if (left.size === 0) return exactly(0);
  // |â/b̂ − a/b| ≤ (eₐ + |a/b|·e_b) / (|b| − e_b)
  const propagated = (left.error + Math.abs(value) * right.error) / least;
  const size = left.size / least;
  return bounded(value, propagated + gamma(DIVISION_ULP) * size + FLUSH * Math.max(1, 1 / least), size * (1 + gamma(DIVISION_ULP)), undecided);
}

/** `base ^ exponent` of a positive integer exponent, by multiplications. */
export function integerPower(base: Approximate, exponent: number, integer: boolean): Approximate {
  let power = base;
  for (let k = 1; k < exponent; k++) power = multiply(power, base, integer);
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
  const error = Math.max(taken.error, Math.abs(other.value - taken.value) + other.error);
  return taken.value === other.value && taken.error + other.error === 0
    ? taken
    : Number.isNaN(error) || !isFinite(taken.value) || !isFinite(other.value)
      ? unbounded(taken.value, true)
      : bounded(taken.value, error, Math.max(taken.size, other.size), true);
}
