/**
 * @file Coupled quantization (CQ): neighbouring channels of a head are coded together, as the number of the nearest of
 * 2^bits centroids. Zhang, Yi, Xu and Shrivastava, "KV Cache is 1 Bit Per Channel", NeurIPS 2024, arXiv 2405.03917.
 */

import { argmin, axis, encoded, extent, f16, f32, groupOf, kernel, sum, uint, type Axis } from "../language";
import type { CacheAxes } from "./axes";

/** How CQ codes channels. CQ-8c8b, 1 bit per channel, is `{ couple: 8, bits: 8 }`. */
export interface Coupling<Couple extends number, Bits extends number> {
  /** Channels coded together: c. */
  readonly couple: Couple;
  /** Bits of a code, 1 to 16: b. */
  readonly bits: Bits;
}

/** Axes of a coupled cache: its groups of channels, the codes of a group, the channels of a group. */
const coupledAxes = <C extends string, const Couple extends number, const Bits extends number>(channel: Axis<C>, { couple, bits }: Coupling<Couple, Bits>) => ({
  group: axis(`${channel.name}/${couple}`, channel.extent === undefined ? undefined : channel.extent / couple),
  code: axis(`code${bits}`, 2 ** bits),
  lane: axis(`lane${couple}`, couple),
});

/**
 * A cache over [token, head, channel] in which `couple` neighbouring channels share one code of `bits` bits.
 *
 * Storage, in this order of axes: `codes: uint(bits)(token, head, channel/couple)`, and
 * `book: f16(head, channel/couple, code, lane)`, the centroids. Element (t, h, c) is
 * `book(h, g, codes(t, h, g), c % couple)` with `g = ⌊c / couple⌋`.
 *
 * @throws KvernError KV2102 where `couple` does not divide the channels (KV2105 already here, if their number is fixed).
 */
export const coupled = <const T extends string, const H extends string, const C extends string, const Couple extends number, const Bits extends number>(
  axes: CacheAxes<T, H, C>,
  coupling: Coupling<Couple, Bits>,
) => {
  const [token, head, channel] = axes;
  const { couple, bits } = coupling;
  const { group, code, lane } = coupledAxes(channel, coupling);
  return encoded(
    axes,
    { codes: uint(bits)(token, head, group), book: f16(head, group, code, lane) },
    ({ codes, book }) => {
      // 0; asked of `groupOf` because that refuses channels which leave the last group incomplete.
      const first = groupOf(0, channel, lane);
      return (t, h, c) => {
        const g = Math.floor((c - first) / couple);
        return book(h, g, codes(t, h, g), c % couple);
      };
    },
  );
};

/** The code of group `g` of a token: of the centroids of `book`, the one at the least squared distance; of equals the lowest. */
export const nearestCode =
  (
    axes: { readonly channel: Axis; readonly code: Axis; readonly lane: Axis },
    x: (t: number, h: number, c: number) => number,
    book: (h: number, g: number, k: number, l: number) => number,
  ) =>
  (t: number, h: number, g: number): number => {
    const { channel, code, lane } = axes;
    const first = groupOf(0, channel, lane); // 0, as in `coupled`
    return argmin(code, (k) => sum(lane, (l) => (x(t, h, first + g * extent(lane) + l) - book(h, g, k, l)) ** 2));
  };

/**
 * The kernel that codes `x: f32(token, head, channel)` for `coupled` of the same axes and coupling: the codes of the
 * centroids of `book`, as stored, at the least squared distance; of equally near ones the lowest.
 *
 * @throws KvernError KV2102 where `couple` does not divide the channels, KV2001 where `book` has more groups than they make.
 */
export const encodeCoupled = <const T extends string, const H extends string, const C extends string, const Couple extends number, const Bits extends number>(
  axes: CacheAxes<T, H, C>,
  coupling: Coupling<Couple, Bits>,
) => {
  const [token, head, channel] = axes;
  const { bits } = coupling;
  const { group, code, lane } = coupledAxes(channel, coupling);
  return kernel({ x: f32(token, head, channel), book: f16(head, group, code, lane) }, uint(bits)(token, head, group), ({ x, book }) => nearestCode({ channel, code, lane }, x, book));
};
