/** @file Kernels that are cut along `token`, and kernels that cannot be. */

import type { Tensor } from "../../spec/graph/node";
import type { Sizes, TensorData } from "../../spec/tensor";

export interface ShardProgram {
  readonly text: string;
  /** Sizes of the axes but `token`. */
  readonly sizes: Sizes;
  /** Values of inputs, by name, where the usual draw does not do. */
  readonly draw?: Readonly<Record<string, (random: () => number) => number>>;
}

const mostly = (common: number, rare: number): ((random: () => number) => number) => (random) => (random() < 0.4 ? rare : common * (2 * random() - 1));

export const SHARDABLE: Readonly<Record<string, ShardProgram>> = {
  "a softmax and the values it weighs": {
    text: `export const k = kernel({ s: f32(head, token), v: f32(token, channel) }, f32(head, channel), ({ s, v }) => (h, c) => {
      const w = softmax(token, (t) => s(h, t));
      return sum(token, (t) => w(t) * v(t, c));
    });`,
    sizes: { head: 2, channel: 3 },
  },
  "a softmax of products, masked by data": {
    text: `import { logSumExp } from "kvern";
    export const k = kernel({ q: f32(head, channel), x: f32(token, channel), mask: f32(token) }, { out: f32(head, channel), log: f32(head) }, ({ q, x, mask }) => {
      const score = (h: Index<"head">, t: Index<"token">) => (mask(t) === -Infinity ? -Infinity : sum(channel, (c) => q(h, c) * x(t, c)) + mask(t));
      return {
        out: (h, c) => { const w = softmax(token, (t) => score(h, t)); return sum(token, (t) => w(t) * x(t, c)); },
        log: (h) => logSumExp(token, (t) => score(h, t)),
      };
    });`,
    sizes: { head: 2, channel: 3 },
    draw: { mask: mostly(1, -Infinity) },
  },
  "positions that count: a bias by distance, and a guard": {
    text: `export const k = kernel({ s: f32(head, token), last: i32() }, f32(head), ({ s, last }) => (h) => {
      const score = (t: Index<"token">) => (t <= last() ? s(h, t) - 0.25 * (extent(token) - 1 - t) : -Infinity);
      const w = softmax(token, score);
      return sum(token, (t) => w(t) * t);
    });`,
    sizes: { head: 2 },
    draw: { last: (random) => Math.floor(random() * 12) - 1 },
  },
  "squares about a share of the total": {
    text: `export const k = kernel({ x: f32(token, channel) }, f32(channel), ({ x }) => (c) => {
      const centre = 0.125 * sum(token, (t) => x(t, c));
      return Math.sqrt(sum(token, (t) => (x(t, c) - centre) * (x(t, c) - centre)) + 1);
    });`,
    sizes: { channel: 3 },
  },
  "the first of the largest, with its value": {
    text: `export const k = kernel({ x: f32(token, channel) }, { at: i32(channel), best: f32(channel) }, ({ x }) => ({
      at: (c) => argmax(token, (t) => x(t, c)), best: (c) => max(token, (t) => x(t, c)),
    }));`,
    sizes: { channel: 3 },
    draw: { x: (random) => Math.floor(3 * random()) },
  },
  "whether any, the least of squares, and a sum of codes": {
    text: `export const k = kernel({ codes: uint(3)(token) }, { some: i32(), least: f32(), total: f32() }, ({ codes }) => ({
      some: () => (any(token, (t) => codes(t) > 6) ? 1 : 0), least: () => min(token, (t) => codes(t) * codes(t) + 1), total: () => sum(token, (t) => codes(t)),
    }));`,
    sizes: {},
    draw: { codes: (random) => Math.floor(8 * random()) },
  },
  "scores that need a norm over another axis": {
    text: `export const k = kernel({ q: f32(channel), x: f32(token, channel) }, f32(channel), ({ q, x }) => (c) => {
      const size = Math.sqrt(sum(channel, (d) => q(d) * q(d)) + 0.01);
      const w = softmax(token, (t) => sum(channel, (d) => (q(d) / size) * x(t, d)));
      return sum(token, (t) => w(t) * x(t, c)) + q(c);
    });`,
    sizes: { channel: 4 },
  },
};

/** Why each cannot be cut along `token`. */
export const UNSHARDABLE: Readonly<Record<string, readonly [text: string, why: RegExp]>> = {
  "a guard that reads the maximum": [
    `export const k = kernel({ s: f32(token) }, f32(), ({ s }) => () => { const m = max(token, (t) => s(t)); return sum(token, (t) => (s(t) > m - 1 ? s(t) : 0)); });`,
    /further pass over `token`/,
  ],
  "squared distances to a maximum in an exponential": [
    `export const k = kernel({ s: f32(token) }, f32(), ({ s }) => () => { const m = max(token, (t) => s(t)); return sum(token, (t) => Math.exp(-(s(t) - m) * (s(t) - m))); });`,
    /further pass over `token`/,
  ],
  "an output along the axis": [
    `export const k = kernel({ s: f32(token) }, f32(token), ({ s }) => (u) => softmax(token, (t) => s(t))(u));`,
    /read again when the passes over `token` are done|an output runs along `token`/,
  ],
  "neighbours": [
    `export const k = kernel({ s: f32(token) }, f32(), ({ s }) => () => sum(token, (t) => s(t) * s(clamp(t - 1, token))));`,
    /`s` is read at .*, which may lie in another shard/,
  ],
  "pairs of positions": [
    `export const k = kernel({ s: f32(token) }, f32(), ({ s }) => () => sum(token, (t) => s(t) * sum(token, (u) => Math.exp(s(u) * s(t)))));`,
    /every position needs all others|further pass/,
  ],
  "a declared size": [
    `const fixed = axis("fixed", 8);\nexport const k = kernel({ s: f32(fixed) }, f32(), ({ s }) => () => sum(fixed, (t) => s(t)));`,
    /`fixed` is declared with 8 positions/,
  ],
  "nothing to reduce": [
    `export const k = kernel({ s: f32(token) }, f32(token), ({ s }) => (t) => 2 * s(t));`,
    /without a reduction/,
  ],
};

export const typed = ({ kind }: Tensor["element"], data: readonly number[]): TensorData["data"] => (kind === "f32" ? Float32Array : kind === "i32" ? Int32Array : Uint16Array).from(data);

/** Draws the inputs of a signature. */
export function drawn(inputs: readonly Tensor[], sizes: Sizes, { draw = {} }: ShardProgram, random: () => number): Readonly<Record<string, TensorData>> {
  return Object.fromEntries(inputs.map(({ name, element, axes }) => {
    const shape = axes.map((axis) => sizes[axis] ?? 0);
    const one = draw[name] ?? (() => 4 * random() - 2);
    const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => one(random));
    return [name, { shape, data: typed(element, data) }];
  }));
}
