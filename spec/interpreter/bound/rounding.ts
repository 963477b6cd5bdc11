/** @file What WGSL promises of one f32 operation. `spec/numerics.md` derives every bound built on these. */

/**
 * Unit roundoff: a correctly rounded result may be either neighbour of the exact one. Enlarged so that the f64 rounding
 * of the interpreter's own arithmetic, 2⁻⁵³ an operation, is inside every bound that has at least one f32 rounding.
 */
export const UNIT = 2 ** -23 * (1 + 2 ** -20);

/** What flushing a subnormal result or operand to zero can cost. */
export const FLUSH = 2 ** -126;

/** The largest finite f32. */
export const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Integers up to this magnitude are exact in f32, and so are their sums and products while they stay below it. */
export const EXACT_INTEGERS = 2 ** 24;

/** The relative error of `n` roundings after one another: (1 + u)ⁿ − 1. */
export const gamma = (n: number): number => Math.expm1(n * UNIT);

/** ULP of a division whose divisor lies in [2⁻¹²⁶, 2¹²⁶], and one rounding more, as it may be a multiplication by a reciprocal. */
export const DIVISION_ULP = 3.5;
