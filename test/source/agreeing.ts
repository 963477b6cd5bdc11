/** Kernels that say much in few lines, for `agree.test.ts` to run in both ways. */

import { all, any, argmax, argmin, axis, clamp, encoded, extent, f32, groupOf, i32, kernel, layerNorm, max, min, softmax, sum, uint, type Axis, type Index } from "kvern";

const token = axis("token"), head = axis("head", 4), group = axis("group", 2), channel = axis("channel", 6);

const scaled = <const T extends string, const C extends string>(rows: Axis<T>, columns: Axis<C>) =>
  encoded([rows, columns], { codes: uint(4)(rows, columns), scale: f32(rows) }, ({ codes, scale }) => (t, c) => (codes(t, c) - 8) * scale(t));

export const decode = kernel({ q: f32(head, channel), keys: scaled(token, channel) }, f32(head, channel), ({ q, keys }) => (h, c) => {
  const weight = softmax(token, (t) => sum(channel, (d) => q(h, d) * keys(t, d)) / Math.sqrt(extent(channel)));
  return sum(token, (t) => weight(t) * keys(t, c));
});

export const windowed = kernel({ x: f32(token), width: i32() }, f32(token), ({ x, width }) => (t) => {
  const live = (u: number): boolean => u <= t && t - u < Math.max(width(), 1);
  const peak = max(token, (u) => (live(u) ? x(u) : -Infinity));
  if (!any(token, (u) => live(u) && x(u) > 0)) return peak;
  if (all(token, (u) => x(u) !== 0)) return peak * 2;
  return min(token, (u) => (u === t ? x(u) : Infinity));
});

const STEPS = [0, 1, 2].map((n) => 2 ** n);
const smooth = (f: (i: number) => number, i: number, along: Axis, steps: readonly number[]): number =>
  steps.reduce((total, step) => total + f(clamp(i + step, along)) / step + (i >= step ? f(i - step) : 0), 0);

export const stencil = kernel({ x: f32(token), bits: uint(5)(token) }, { y: f32(token), first: i32(), parity: uint(2)(token) }, ({ x, bits }) => ({
  y: (t) => smooth(x, t, token, STEPS),
  first: () => argmin(token, x) * 100 + argmax(token, (t) => x(t) * bits(t)),
  parity: (t) => ((bits(t) >> 1) ^ (bits(t) & 3)) % 4,
}));

const gelu = (v: number): number => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));

export const grouped = kernel({ x: f32(head, channel), gain: f32(group) }, f32(head, channel), ({ x, gain }) => (h, c) => {
  const normal = layerNorm(channel, (d: Index<"channel">) => x(h, d), 1e-5);
  const value = gelu(normal(c)) * gain(groupOf(h, head, group));
  return c % 2 === 0 ? value : -value + Math.floor(x(h, c)) - Math.hypot(x(h, c), 1);
});
