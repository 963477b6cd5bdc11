/**
 * @file Rotary positions: the channels of a head turn in pairs, the i-th by the angle position · theta^(−2i / headDim)
 * (Su et al., RoFormer, 2021).
 */

import type { RopeLayout } from "./config";
import { zeros, type Reals } from "./reals";

export interface RotaryTables {
  readonly positions: number;
  /** Half of a head's channels. */
  readonly half: number;
  /** Both [position, half], in f32. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly layout: RopeLayout;
}

export function rotaryTables(positions: number, headDim: number, theta: number, layout: RopeLayout): RotaryTables {
  const half = headDim / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * Math.pow(theta, (-2 * i) / headDim);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { positions, half, cos, sin, layout };
}

/** Where the channels of the i-th pair of a head lie: at i · `step`, and `apart` from that. */
export function pairs(layout: RopeLayout, headDim: number): { readonly step: number; readonly apart: number } {
  return layout === "half-split" ? { step: 1, apart: headDim / 2 } : { step: 2, apart: 1 };
}

/** `x`, [token, head, channel], whose first token stands at `first`, rotated. */
export function rotate<Data extends Reals>(x: Data, heads: number, tables: RotaryTables, first: number): Data {
  const { half, cos, sin, layout } = tables;
  const { step, apart } = pairs(layout, 2 * half);
  const tokens = x.length / (heads * half * 2);
  const y = zeros(x, x.length);
  for (let token = 0; token < tokens; token++) {
    const row = (first + token) * half;
    for (let head = 0; head < heads; head++) {
      const at = (token * heads + head) * 2 * half;
      for (let i = 0; i < half; i++) {
        const one = at + i * step;
        const low = x[one] ?? 0;
        const high = x[one + apart] ?? 0;
        const c = cos[row + i] ?? 0;
        const s = sin[row + i] ?? 0;
        y[one] = low * c - high * s;
        y[one + apart] = high * c + low * s;
      }
    }
  }
  return y;
}
