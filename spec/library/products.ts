/** @file Inner products and what is made of them. */

import { sum, type Axis, type Index } from "../language";

/** Σ f(i)·g(i). */
export const dot = <Name extends string>(axis: Axis<Name>, f: (i: Index<NoInfer<Name>>) => number, g: (i: Index<NoInfer<Name>>) => number): number =>
  sum(axis, (i) => f(i) * g(i));

/** The matrix `weight`, read at (output, input), times the vector `x` along `axis`: Σ weight(o, i)·x(i). */
export const linear = <In extends string, Out extends string>(
  axis: Axis<In>,
  x: (i: Index<NoInfer<In>>) => number,
  weight: (o: Index<Out>, i: Index<NoInfer<In>>) => number,
): ((o: Index<Out>) => number) => (o) => sum(axis, (i) => weight(o, i) * x(i));
