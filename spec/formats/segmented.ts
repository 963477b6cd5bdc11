/** @file A cache in segments: tokens of different ages kept in different ways, and read as one cache. */

import { encoded, type Axis, type EncodedInput, type Index, type TensorSpec } from "../language";
import { concatenated, type Piece } from "../library";
import type { CacheAxes } from "./axes";

/** A segment: a tensor, or an encoding, over its own tokens and the heads and channels of the whole. */
type Segment<H extends string, C extends string> = (TensorSpec | EncodedInput) & { readonly axes: readonly [Axis, Axis<H>, Axis<C>] };

/**
 * A cache over [token, head, channel] whose tokens are those of its segments one after another, in the order of `segments`;
 * `token` is the `joined` of their own token axes. A segment is anything over [its tokens, head, channel], and may be empty.
 * The storage has its name: `keys.recent`, `keys.old.codes`.
 *
 *     const old = axis("old"), recent = axis("recent"), token = joined("token", old, recent);
 *     const cache = segmented([token, head, channel], {
 *       old: coupled([old, head, channel], { couple: 8, bits: 8 }),
 *       recent: f32(recent, head, channel),
 *     });
 *
 * Element (t, h, c) is that of the segment which holds token t, at t less the tokens of the segments before it.
 */
export const segmented = <const T extends string, const H extends string, const C extends string, S extends { readonly [name: string]: Segment<H, C> }>(
  axes: CacheAxes<T, H, C>,
  segments: S,
) =>
  encoded(axes, segments, (readers) => {
    const read = readers as unknown as Readonly<Record<string, (t: number, h: Index<H>, c: Index<C>) => number>>;
    return (t, h, c) => {
      const pieces = Object.entries(segments).map(([name, { axes: [own] }]): Piece => [own, (i) => read[name]?.(i, h, c) ?? NaN]);
      return concatenated(...(pieces as [Piece, ...Piece[]]))(t);
    };
  });
