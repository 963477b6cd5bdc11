/** @file Means, variances and the normalisations made of them. */

import { extent, sum, type Axis, type Index } from "../language";

type Along<Name extends string> = (i: Index<Name>) => number;

/** (Σ f(i)) / extent. The mean over an empty axis divides 0 by 0, which promises nothing. */
export const mean = <Name extends string>(axis: Axis<Name>, f: Along<NoInfer<Name>>): number => sum(axis, f) / extent(axis);

/** The mean squared distance from the mean: the variance of a whole population. */
export const variance = <Name extends string>(axis: Axis<Name>, f: Along<NoInfer<Name>>): number => {
  const centre = mean(axis, f);
  return mean(axis, (i) => (f(i) - centre) * (f(i) - centre));
};

/**
 * f(i) / √(mean f² + epsilon), with `epsilon` > 0. Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019,
 * without its gain.
 */
export const rmsNorm = <Name extends string>(axis: Axis<Name>, f: Along<NoInfer<Name>>, epsilon: number): Along<Name> => {
  const scale = 1 / Math.sqrt(mean(axis, (i) => f(i) * f(i)) + epsilon);
  return (i) => f(i) * scale;
};

/**
 * (f(i) − mean) / √(variance + epsilon), with `epsilon` > 0. Ba, Kiros and Hinton, "Layer Normalization", 2016, without
 * its gain and bias.
 */
export const layerNorm = <Name extends string>(axis: Axis<Name>, f: Along<NoInfer<Name>>, epsilon: number): Along<Name> => {
  const centre = mean(axis, f);
  const scale = 1 / Math.sqrt(variance(axis, f) + epsilon);
  return (i) => (f(i) - centre) * scale;
};
