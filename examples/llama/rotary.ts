/**
 * @file Rotary positions, half-split: channel i of a head turns with channel i + headDim / 2 by the angle
 * position · theta^(−2i / headDim) (Su et al., RoFormer, 2021, in the layout of Hugging Face's Llama).
 */

import { zeros, type Reals } from "./reals";

export interface RotaryTables {
  readonly positions: number;
  /** Half of a head's channels. */
  readonly half: number;
  /** Both [position, half], in f32. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

export function rotaryTables(positions: number, headDim: number, theta: number): RotaryTables {
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
  return { positions, half, cos, sin };
}

/** `x`, [token, head, channel], whose first token stands at `first`, rotated. */
export function rotate<Data extends Reals>(x: Data, heads: number, tables: RotaryTables, first: number): Data {
  const { half, cos, sin } = tables;
  const tokens = x.length / (heads * half * 2);
  const y = zeros(x, x.length);
  for (let token = 0; token < tokens; token++) {
    const row = (first + token) * half;
    for (let head = 0; head < heads; head++) {
      const at = (token * heads + head) * 2 * half;
      for (let i = 0; i < half; i++) {
        const low = x[at + i] ?? 0;
        const high = x[at + half + i] ?? 0;
        const c = cos[row + i] ?? 0;
        const s = sin[row + i] ?? 0;
        y[at + i] = low * c - high * s;
        y[at + half + i] = high * c + low * s;
      }
    }
  }
  return y;
}
