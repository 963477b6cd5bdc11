/** @file Numbers with errors of every kind, to hold the arithmetic of bounds to. */

import { WGSL } from "../../spec/interpreter";
import type { Accuracy } from "../../spec/interpreter/bound/accuracy";
import { bounded, exactly, linear, sourced, stored, unbounded, type Approximate } from "../../spec/interpreter/bound/approximate";

/**
 * Exact and not, of integers and not, zero with an error and without, infinite, of which nothing is promised, beside
 * powers of two and the ends of f32, sources, and numbers made of sources. New sources in every call: two lists share none.
 */
export function numbers(accuracy: Accuracy = WGSL): readonly Approximate[] {
  const source = (value: number, error: number): Approximate => sourced(bounded(value, error, 2 * Math.abs(value) + error, false));
  const mixed = linear(accuracy, 0, [1, -2], [source(1.5, 1e-3), source(0.25, 2e-3)], false);
  const long = linear(accuracy, 0.5, [1, 1, 1, 1, 1, 1], [1, 2, 3, 4, 5, 6].map((k) => source(k, k * 1e-4)), false);
  return [
    exactly(0), exactly(1), exactly(-1), exactly(3), exactly(-2.5), exactly(0.75), exactly(2 ** 24), exactly(2 ** 12), exactly(5, true), exactly(Infinity), exactly(-Infinity), exactly(0.5), exactly(2),
    unbounded(1), unbounded(NaN), unbounded(-Infinity), stored(accuracy, 0.1), stored(accuracy, 1e-40), stored(accuracy, 1 / 3),
    bounded(1.5, 1e-6, 1.5, false), bounded(-7, 0.3, 9, false), bounded(0, 0.1, 0.1, false), bounded(0, 0, 4, false), bounded(4, 1, 4, true), bounded(2 ** 24 + 2, 0, 2 ** 24 + 2, false), bounded(3, 0, 20, false),
    bounded(1e30, 1e23, 1e30, false), bounded(1e-30, 1e-31, 1e-30, false), bounded(-0.5, 1e-7, 0.5, false), bounded(0.999, 0.002, 1, false), bounded(40, 1e-5, 41, false), bounded(65503, 0.5, 65503, false), bounded(65504, 0, 65504, false), bounded(-3, 2, 5, true),
    bounded(2 ** -126, 0, 2 ** -126, false), bounded(2 ** 126, 0, 2 ** 126, false), bounded(2 ** 126 * (1 - 2 ** -8), 2 ** 120, 2 ** 126, false), bounded(1e38, 1e37, 1e38, false), source(2, 1e-4), source(-1, 0.25), mixed, long, linear(accuracy, 1, [3], [source(-0.5, 1e-3)], false),
  ];
}

/** Numbers that a device may have in place of one. */
export const near = ({ value, error }: Approximate): readonly number[] => (error === 0 || !Number.isFinite(error) ? [value] : [-1, -0.5, 0, 0.3, 1].map((share) => value + share * error));
