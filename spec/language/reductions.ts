/**
 * @file Reductions over all positions of an axis. `f` is pure, so the order of its calls means nothing; sums are taken
 * in f64 in order of position.
 */

import type { Axis, Index } from "./axis";
import { extent } from "./sizes";

type Along<Name extends string, T> = (i: Index<NoInfer<Name>>) => T;

/** Σ f(i); over an empty axis 0. */
export const sum = <Name extends string>(axis: Axis<Name>, f: Along<Name, number>): number => {
  const n = extent(axis);
  let total = 0;
  for (let i = 0; i < n; i++) total += f(i);
  return total;
};

/** The largest f(i); over an empty axis −∞. */
export const max = <Name extends string>(axis: Axis<Name>, f: Along<Name, number>): number => {
  const n = extent(axis);
  let largest = -Infinity;
  for (let i = 0; i < n; i++) largest = Math.max(largest, f(i));
  return largest;
};

/** The smallest f(i); over an empty axis +∞. */
export const min = <Name extends string>(axis: Axis<Name>, f: Along<Name, number>): number => {
  const n = extent(axis);
  let smallest = Infinity;
  for (let i = 0; i < n; i++) smallest = Math.min(smallest, f(i));
  return smallest;
};

/** The first position at which f is largest; over an empty axis 0. */
export const argmax = <Name extends string>(axis: Axis<Name>, f: Along<Name, number>): Index<Name> => {
  const n = extent(axis);
  let largest = -Infinity;
  let at = 0;
  for (let i = 0; i < n; i++) {
    const value = f(i);
    if (value > largest) {
      largest = value;
      at = i;
    }
  }
  return at;
};

/** The first position at which f is smallest; over an empty axis 0. */
export const argmin = <Name extends string>(axis: Axis<Name>, f: Along<Name, number>): Index<Name> => argmax(axis, (i) => -f(i));

/** Whether f(i) holds somewhere; over an empty axis false. */
export const any = <Name extends string>(axis: Axis<Name>, f: Along<Name, boolean>): boolean => {
  const n = extent(axis);
  for (let i = 0; i < n; i++) if (f(i)) return true;
  return false;
};

/** Whether f(i) holds everywhere; over an empty axis true. */
export const all = <Name extends string>(axis: Axis<Name>, f: Along<Name, boolean>): boolean => !any(axis, (i) => !f(i));
