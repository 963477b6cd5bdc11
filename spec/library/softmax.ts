/** @file Normalised exponentials along an axis. */

import { max, sum, type Axis, type Index } from "../language";

/**
 * Weights along `axis` in proportion to exp(f(i)), summing to 1. Where nothing is live (every f(i) is −∞, or the axis is
 * empty) every weight is 0. The largest f is subtracted first, so that no exponential overflows.
 */
export const softmax = <Name extends string>(axis: Axis<Name>, f: (i: Index<NoInfer<Name>>) => number): ((i: Index<Name>) => number) => {
  const peak = max(axis, f);
  const shift = peak === -Infinity ? 0 : peak;
  const total = sum(axis, (i) => Math.exp(f(i) - shift));
  const norm = total === 0 ? 1 : total;
  return (i) => Math.exp(f(i) - shift) / norm;
};

/** log Σ exp(f(i)) along `axis`; −∞ where nothing is live. */
export const logSumExp = <Name extends string>(axis: Axis<Name>, f: (i: Index<NoInfer<Name>>) => number): number => {
  const peak = max(axis, f);
  const shift = peak === -Infinity ? 0 : peak;
  const total = sum(axis, (i) => Math.exp(f(i) - shift));
  return total === 0 ? -Infinity : shift + Math.log(total);
};

/** −log of the softmax weight at `target`: the loss of predicting `logits` where `target` comes. */
export const crossEntropy = <Name extends string>(axis: Axis<Name>, logits: (i: Index<NoInfer<Name>>) => number, target: Index<NoInfer<Name>>): number =>
  logSumExp(axis, logits) - logits(target);
