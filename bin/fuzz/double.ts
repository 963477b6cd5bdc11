/** @file The bounds of the interpreter for what computes in f64: see "In f64" of `spec/numerics.md`. */

import type { BoundedTensor } from "../../spec/interpreter";

/** The rounding of f64 to that which WGSL admits: 2⁻⁵³ to 2⁻²³. */
const FINER = 2 ** -30;

/**
 * How far two evaluations in f64 may lie apart, of which `one` and `other` bound what f32 would make. Where a choice may
 * fall either way in f32, the bound spans a jump, which is as high in f64.
 */
export function boundsInDouble(one: Readonly<Record<string, BoundedTensor>>, other = one): Readonly<Record<string, BoundedTensor>> {
  return Object.fromEntries(Object.entries(one).map(([name, tensor]) => {
    const second = other[name] ?? tensor;
    const bound = tensor.bound.map((of, at) => (of + (second.bound[at] ?? Infinity)) * (tensor.undecided[at] === 1 || second.undecided[at] === 1 ? 1 : FINER));
    return [name, { ...tensor, bound }];
  }));
}
