/**
 * @file Uniform integers: codes that stand for evenly spaced numbers, `zero + scale·code`, where `zero` is the number of
 * code 0 (asymmetric). One scale and zero serves either a channel over a block of tokens (`perChannel`, for keys) or a
 * token over a block of channels (`perToken`, for values). Liu et al., "KIVI", 2024.
 *
 * Encoding takes two kernels, because codes must be chosen against scales and zeros as stored, in f16: the first finds
 * the scales and zeros, the second the codes.
 */

import { encoded, f16, f32, kernel, uint } from "../language";
import { blocksOf, type CacheAxes } from "./axes";

/** How numbers are spaced. */
export interface Spacing {
  /** Bits of a code, 1 to 16. */
  readonly bits: number;
  /** Positions that share a scale and a zero: tokens for `perChannel`, channels for `perToken`. All, if absent. */
  readonly group?: number;
}

/** The number a code stands for. */
const decoded = (code: number, scale: number, zero: number): number => zero + scale * code;

/** The code of the number nearest to `x`, or of the end of the range that is nearer. */
const nearest = (x: number, scale: number, zero: number, bits: number): number =>
  scale === 0 ? 0 : Math.min(Math.max(Math.round((x - zero) / scale), 0), 2 ** bits - 1);

/** The scale at which codes from 0 reach from `least` to `largest`; 0 where they are equal, and where there is nothing. */
const spacing = (least: number, largest: number, bits: number): number => (least < largest ? (largest - least) / (2 ** bits - 1) : 0);

/** The zero of a range; 0 where there is nothing. */
const origin = (least: number): number => (least === Infinity ? 0 : least);

/**
 * A cache over [token, head, channel] of `uint(bits)`, scaled per channel: `codes: uint(bits)(token, head, channel)`,
 * `scale` and `zero: f16(token/group, head, channel)`. Token t uses the scales of block ⌊t / group⌋; without `group`
 * there is one block.
 */
export const perChannel = <const T extends string, const H extends string, const C extends string>(axes: CacheAxes<T, H, C>, { bits, group }: Spacing) => {
  const [token, head, channel] = axes;
  const { block, of } = blocksOf(token, group);
  return encoded(
    axes,
    { codes: uint(bits)(token, head, channel), scale: f16(block, head, channel), zero: f16(block, head, channel) },
    ({ codes, scale, zero }) => (t, h, c) => decoded(codes(t, h, c), scale(of(t), h, c), zero(of(t), h, c)),
  );
};

/** The kernel that finds `scale` and `zero` for `perChannel`, from the least and the largest of `x` in each block. */
export const scalesPerChannel = <const T extends string, const H extends string, const C extends string>(axes: CacheAxes<T, H, C>, { bits, group }: Spacing) => {
  const [token, head, channel] = axes;
  const { block, least, largest } = blocksOf(token, group);
  return kernel({ x: f32(token, head, channel) }, { scale: f16(block, head, channel), zero: f16(block, head, channel) }, ({ x }) => ({
    scale: (b, h, c) => spacing(least(b, (t) => x(t, h, c)), largest(b, (t) => x(t, h, c)), bits),
    zero: (b, h, c) => origin(least(b, (t) => x(t, h, c))),
  }));
};

/** The kernel that codes `x` for `perChannel`, given the scales and zeros as stored. */
export const encodePerChannel = <const T extends string, const H extends string, const C extends string>(axes: CacheAxes<T, H, C>, { bits, group }: Spacing) => {
  const [token, head, channel] = axes;
  const { block, of } = blocksOf(token, group);
  return kernel(
    { x: f32(token, head, channel), scale: f16(block, head, channel), zero: f16(block, head, channel) },
    uint(bits)(token, head, channel),
    ({ x, scale, zero }) => (t, h, c) => nearest(x(t, h, c), scale(of(t), h, c), zero(of(t), h, c), bits),
  );
};

/**
 * A cache over [token, head, channel] of `uint(bits)`, scaled per token: `codes: uint(bits)(token, head, channel)`,
 * `scale` and `zero: f16(token, head, channel/group)`. Channel c uses the scale of block ⌊c / group⌋; without `group`
 * there is one block.
 */
export const perToken = <const T extends string, const H extends string, const C extends string>(axes: CacheAxes<T, H, C>, { bits, group }: Spacing) => {
  const [token, head, channel] = axes;
  const { block, of } = blocksOf(channel, group);
  return encoded(
    axes,
    { codes: uint(bits)(token, head, channel), scale: f16(token, head, block), zero: f16(token, head, block) },
    ({ codes, scale, zero }) => (t, h, c) => decoded(codes(t, h, c), scale(t, h, of(c)), zero(t, h, of(c))),
  );
};

/** The kernel that finds `scale` and `zero` for `perToken`, from the least and the largest of `x` in each block. */
export const scalesPerToken = <const T extends string, const H extends string, const C extends string>(axes: CacheAxes<T, H, C>, { bits, group }: Spacing) => {
  const [token, head, channel] = axes;
  const { block, least, largest } = blocksOf(channel, group);
  return kernel({ x: f32(token, head, channel) }, { scale: f16(token, head, block), zero: f16(token, head, block) }, ({ x }) => ({
    scale: (t, h, b) => spacing(least(b, (c) => x(t, h, c)), largest(b, (c) => x(t, h, c)), bits),
    zero: (t, h, b) => origin(least(b, (c) => x(t, h, c))),
  }));
};

/** The kernel that codes `x` for `perToken`, given the scales and zeros as stored. */
export const encodePerToken = <const T extends string, const H extends string, const C extends string>(axes: CacheAxes<T, H, C>, { bits, group }: Spacing) => {
  const [token, head, channel] = axes;
  const { block, of } = blocksOf(channel, group);
  return kernel(
    { x: f32(token, head, channel), scale: f16(token, head, block), zero: f16(token, head, block) },
    uint(bits)(token, head, channel),
    ({ x, scale, zero }) => (t, h, c) => nearest(x(t, h, c), scale(t, h, of(c)), zero(t, h, of(c)), bits),
  );
};
