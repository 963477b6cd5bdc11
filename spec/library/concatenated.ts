/** @file What is kept in several pieces, read along one axis. */

import { extent, type Axis, type Index } from "../language";

/** A piece: its axis, and what is read along it. */
export type Piece<Name extends string = string> = readonly [axis: Axis<Name>, read: (i: Index<NoInfer<Name>>) => number];

type Pieces<Names extends readonly string[]> = { readonly [K in keyof Names]: Piece<Names[K]> };

/**
 * The pieces one after another: the first along its axis, then the second along its own, and so on. It is read at the
 * positions of the axes' `joined`; a piece is read only at its own, so that any of them may be empty.
 *
 *     const token = joined("token", old, recent);
 *     const key = concatenated([old, (t) => codes(t, h, c)], [recent, (t) => numbers(t, h, c)]);
 *     max(token, (t) => key(t));
 */
export const concatenated = <const Names extends readonly [string, ...string[]]>(...pieces: Pieces<Names>): ((i: number) => number) => {
  const parts: readonly Piece[] = pieces;
  return parts
    .map(([axis, read]) => ({ axis, read }))
    .reduceRight((after, { axis, read }) => ({ axis, read: (i) => (i < extent(axis) ? read(i) : after.read(i - extent(axis))) })).read;
};
