/**
 * @file Rotary position embeddings: pairs of channels are turned by an angle that grows with the position. Su et al.,
 * "RoFormer", 2021. The angles come as tables of cosines and sines, since no device computes them well enough; bind
 * the position before: `rope(channel, (c) => k(t, c), (p) => cos(t, p), (p) => sin(t, p))`. The opposite rotation is
 * the same with −sin.
 *
 * To turn only the first channels, rotate along an axis of their number, with plain numbers as the indices of both:
 * `(c: number) => (c < extent(rotary) ? rope(rotary, (i: number) => x(i), cos, sin)(c) : x(c))`.
 */

import { axis, extent, groupOf, type Axis, type Index } from "../language";

/** The two members of a pair; a name that no kernel is likely to give an axis of another size. */
const pair = axis("rope.pair", 2);

/** 0, the first channel; asked of `groupOf` because that refuses an odd number of channels. */
const firstChannel = (channel: Axis): number => groupOf(0, channel, pair);

/**
 * Half-split rotation, as in Llama: channel `p` of the first half and channel `p` of the second are a pair, turned by
 * the angle whose cosine and sine are `cos(p)` and `sin(p)`, for p from 0 to extent/2 − 1.
 * @throws KvernError KV2102 for an odd number of channels.
 */
export const rope = <Name extends string>(
  channel: Axis<Name>,
  x: (c: Index<NoInfer<Name>>) => number,
  cos: (p: number) => number,
  sin: (p: number) => number,
): ((c: Index<Name>) => number) => {
  const first = firstChannel(channel);
  const half = Math.floor(extent(channel) / 2);
  return (c) => {
    const p = c < half ? c - first : c - half;
    const partner = c < half ? c + half : c - half;
    const sign = c < half ? -1 : 1;
    return x(c) * cos(p) + sign * x(partner) * sin(p);
  };
};

/**
 * Interleaved rotation, as in GPT-J: channels 2p and 2p + 1 are a pair, turned by the angle whose cosine and sine are
 * `cos(p)` and `sin(p)`, for p from 0 to extent/2 − 1.
 * @throws KvernError KV2102 for an odd number of channels.
 */
export const ropeInterleaved = <Name extends string>(
  channel: Axis<Name>,
  x: (c: Index<NoInfer<Name>>) => number,
  cos: (p: number) => number,
  sin: (p: number) => number,
): ((c: Index<Name>) => number) => {
  const first = firstChannel(channel);
  return (c) => {
    const p = Math.floor((c - first) / 2);
    const side = c % 2;
    const partner = 2 * p + (1 - side);
    const sign = side === 0 ? -1 : 1;
    return x(c) * cos(p) + sign * x(partner) * sin(p);
  };
};
