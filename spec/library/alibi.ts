/**
 * @file Attention with linear biases: scores fall with distance, at a rate that depends on the head. Press, Smith and
 * Lewis, "Train Short, Test Long", 2022, with the rates of their published code for any number of heads.
 */

import { axis, extent, max, type Axis, type Index } from "../language";

/** Exponents of the powers of two up to 32768. */
const octave = axis("alibi.octave", 16);

/** The largest power of two that is at most `n`, for n from 1 to 65535. */
const powerOfTwoBelow = (n: number): number => max(octave, (e) => (1 << e <= n ? 1 << e : 1));

/**
 * The slope of a head. With m the largest power of two that is at most the number of heads, the first m heads have
 * 2^(−8(h+1)/m); the heads beyond them take every other slope of twice as many heads, 2^(−4(2(h−m)+1)/m).
 */
export const alibiSlope = <Name extends string>(h: Index<NoInfer<Name>>, head: Axis<Name>): number => {
  const m = powerOfTwoBelow(extent(head));
  const exponent = h < m ? (8 * (h + 1)) / m : (4 * (2 * (h - m) + 1)) / m;
  return 2 ** -exponent;
};

/** What ALiBi adds to the score of `key` for `query`: −slope · distance. */
export const alibi = <Name extends string>(h: Index<NoInfer<Name>>, head: Axis<Name>, query: number, key: number): number =>
  -alibiSlope(h, head) * Math.abs(query - key);
