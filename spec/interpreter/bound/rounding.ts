/** @file The numbers of f32 itself, which every backend stores. */

/** The least normal f32, and the least divisor, and argument of a logarithm, that anything is promised of. */
export const LEAST_NORMAL = 2 ** -126;

/** The largest finite f32. */
export const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Integers up to this magnitude are exact in f32, and so are their sums and products while they stay below it. */
export const EXACT_INTEGERS = 2 ** 24;
