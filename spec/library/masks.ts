/**
 * @file Which positions take part. A mask is a condition, so masks combine with `&&`, `||` and `!`; `masked` turns
 * scores whose condition does not hold into −∞, which `softmax` gives the weight 0.
 */

import type { Axis, Index } from "../language";

/** A query sees its own position and those before it. */
export const causal = (query: number, key: number): boolean => key <= query;

/** Keys less than `width` positions away from the query, on either side; with `causal`, the last `width` positions. */
export const slidingWindow = (query: number, key: number, width: number): boolean => query - key < width && key - query < width;

/** The first `length` positions, such as those of a prompt or those of a cache that are filled. */
export const prefix = (key: number, length: number): boolean => key < length;

/** `score` where `live` holds, −∞ elsewhere; where it does not hold, the score is not computed. */
export const masked = <Name extends string>(
  _axis: Axis<Name>,
  live: (i: Index<NoInfer<Name>>) => boolean,
  score: (i: Index<NoInfer<Name>>) => number,
): ((i: Index<Name>) => number) => (i) => (live(i) ? score(i) : -Infinity);

/** `score` plus a mask read from data, of which −∞ masks whatever the score is. */
export const addMask = (score: number, mask: number): number => (mask === -Infinity ? -Infinity : score + mask);
