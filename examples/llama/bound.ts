/**
 * @file How far attention computed in f32 may lie from the exact numbers, element by element: a sound bound for any
 * order of summation, from the accuracies that WGSL promises. u = 2⁻²³ stands for one rounding to either neighbour,
 * γₙ = (1 + u)ⁿ − 1 for n of them.
 *
 * - A rotated channel is x·cos ± x′·sin: three roundings, of parts whose magnitudes add up to x̃ = |x·cos| + |x′·sin|.
 * - A score is a sum of D products of two such channels, divided (2.5 ULP) by a square root (an inverse square root, 2
 *   ULP, inverted, 2.5 ULP): |Δs| ≤ γ_{D + 13}·Σ q̃·k̃ / √D.
 * - A weight e^−t, t below the largest score: rounding t costs u·t, `exp` (3 + 2t) ULP. Its relative error is
 *   η ≤ e^(Δs + u·t) − 1 + (3 + 3t)·u + 2u for what surrounds it.
 * - A result Σ p·v over L tokens moves by Σ p·η·|v − y| / (1 − Σ p·η) for the weights, and by γ_{L + 3} for each of the
 *   two sums and 2.5u for the division, of Σ p·|v|.
 */

import type { AttentionShape } from "./backend";
import { pairs, rotaryTables } from "./rotary";

const U = 2 ** -23;
const gamma = (roundings: number): number => Math.expm1(roundings * Math.log1p(U));

/** What attention is computed from: [query, head, channel] and twice [token, kvHead, channel], before rotation. */
export interface AttentionInputs {
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** The bound of every element of the result, [query, head, channel]; the queries are the newest tokens. */
export function attentionBound({ queries, keys, values }: AttentionInputs, shape: Omit<AttentionShape, "layers">): Float64Array {
  const { heads, kvHeads, headDim } = shape;
  const tokens = keys.length / (kvHeads * headDim);
  const first = tokens - queries.length / (heads * headDim);
  const turn = rotation(shape);
  const bound = new Float64Array(queries.length);
  for (let at = 0; at < queries.length; at += headDim) {
    const head = (at / headDim) % heads;
    const now = first + Math.floor(at / (headDim * heads));
    const kv = Math.floor((head * kvHeads) / heads);
    const query = turn(queries.subarray(at, at + headDim), now);
    const scores: Score[] = [];
    for (let t = 0; t <= now; t++) {
      const row = (t * kvHeads + kv) * headDim;
      scores.push(score(query, turn(keys.subarray(row, row + headDim), t)));
    }
    const weights = weigh(scores);
    for (let c = 0; c < headDim; c++) {
      bound[at + c] = elementBound(weights, (t) => values[(t * kvHeads + kv) * headDim + c] ?? NaN);
    }
  }
  return bound;
}

/** A rotated vector, and the magnitudes that its roundings are of. */
interface Turned {
  readonly exact: Float64Array;
  readonly magnitude: Float64Array;
}

function rotation({ positions, headDim, ropeTheta, ropeLayout }: Omit<AttentionShape, "layers">): (x: Float32Array, position: number) => Turned {
  const { cos, sin, half } = rotaryTables(positions, headDim, ropeTheta, ropeLayout);
  const { step, apart } = pairs(ropeLayout, headDim);
  return (x, position) => {
    const exact = new Float64Array(headDim);
    const magnitude = new Float64Array(headDim);
    for (let i = 0; i < half; i++) {
      const one = i * step;
      const [low = 0, high = 0, c = 0, s = 0] = [x[one], x[one + apart], cos[position * half + i], sin[position * half + i]];
      exact[one] = low * c - high * s;
      exact[one + apart] = high * c + low * s;
      magnitude[one] = Math.abs(low * c) + Math.abs(high * s);
      magnitude[one + apart] = Math.abs(high * c) + Math.abs(low * s);
    }
    return { exact, magnitude };
  };
}

interface Score {
  readonly exact: number;
  /** How far off it may be. */
  readonly error: number;
}

function score(query: Turned, key: Turned): Score {
  const channels = query.exact.length;
  let exact = 0;
  let magnitude = 0;
  for (let c = 0; c < channels; c++) {
    exact += (query.exact[c] ?? NaN) * (key.exact[c] ?? NaN);
    magnitude += (query.magnitude[c] ?? NaN) * (key.magnitude[c] ?? NaN);
  }
  const scale = 1 / Math.sqrt(channels);
  return { exact: exact * scale, error: gamma(channels + 13) * magnitude * scale };
}

interface Weight {
  /** Of weights that add up to 1. */
  readonly share: number;
  /** Its relative error. */
  readonly error: number;
}

function weigh(scores: readonly Score[]): readonly Weight[] {
  const highest = scores.reduce((most, { exact }) => Math.max(most, exact), -Infinity);
  const total = scores.reduce((sum, { exact }) => sum + Math.exp(exact - highest), 0);
  return scores.map(({ exact, error }) => {
    const below = highest - exact;
    return { share: Math.exp(-below) / total, error: Math.expm1(error + U * below) + (5 + 3 * below) * U };
  });
}

function elementBound(weights: readonly Weight[], value: (token: number) => number): number {
  let result = 0;
  let magnitude = 0;
  let doubt = 0;
  for (const [t, { share, error }] of weights.entries()) {
    result += share * value(t);
    magnitude += share * Math.abs(value(t));
    doubt += share * error;
  }
  if (doubt >= 1) return Infinity;
  let moved = 0;
  for (const [t, { share, error }] of weights.entries()) moved += share * error * Math.abs(value(t) - result);
  return moved / (1 - doubt) + (2 * gamma(weights.length + 3) + 2.5 * U) * magnitude;
}
