/** @file The axes a cache format is made over, and blocks of neighbours along one of them. */

import { axis, extent, max, min, type Axis } from "../language";

/** The axes of a cache, in the order in which it is read. */
export type CacheAxes<T extends string, H extends string, C extends string> = readonly [token: Axis<T>, head: Axis<H>, channel: Axis<C>];

/**
 * `along` in blocks of `size` neighbours, the last of which may be incomplete; without `size` it is one block.
 * The axis of blocks is called `token/32`, or `token/all`.
 */
export const blocksOf = <const Name extends string>(along: Axis<Name>, size: number | undefined) => {
  const block = axis(
    `${along.name}/${size === undefined ? "all" : size}`,
    size === undefined ? 1 : along.extent === undefined ? undefined : Math.ceil(along.extent / size),
  );
  const member: Axis = size === undefined ? along : axis(`${along.name}%${size}`, size);
  const at = (b: number, m: number): number => (size === undefined ? m : b * size + m);
  return {
    block,
    /** The block that holds position `i`. */
    of: (i: number): number => (size === undefined ? 0 : Math.floor(i / size)),
    /** The least f(i) in block `b`, +∞ if it holds no position. */
    least: (b: number, f: (i: number) => number): number => min(member, (m) => (at(b, m) < extent(along) ? f(at(b, m)) : Infinity)),
    /** The largest f(i) in block `b`, −∞ if it holds no position. */
    largest: (b: number, f: (i: number) => number): number => max(member, (m) => (at(b, m) < extent(along) ? f(at(b, m)) : -Infinity)),
  };
};
