import { evaluate } from "kvern";
import { describe, expect, it } from "vitest";
import { decodeExact, prefillExact } from "../../examples/attention";
import { attentionBound } from "../../examples/llama/bound";
import { rotaryTables } from "../../examples/llama/rotary";
import { uniform } from "../../runtime/codebook/random";
import { tensor } from "../../spec/tensor/tensor";

const SHAPE = { heads: 4, kvHeads: 2, headDim: 8, positions: 64, ropeTheta: 10_000, ropeLayout: "half-split" as const };
const half = SHAPE.headDim / 2;
const f = Math.fround;

/** Attention with every operation rounded to f32, away from the nearest neighbour as often as `noise` says. */
function roundedAttention(q: Float32Array, keys: Float32Array, values: Float32Array, first: number, noise: () => number): Float32Array {
  const { heads, kvHeads, headDim } = SHAPE;
  const { cos, sin } = rotaryTables(SHAPE.positions, headDim, SHAPE.ropeTheta, SHAPE.ropeLayout);
  const r = (x: number): number => f(x * (1 + (noise() - 0.5) * 2 ** -23));
  const turn = (x: Float32Array, at: number, position: number): number[] =>
    Array.from({ length: headDim }, (_, c) => {
      const p = c % half;
      const [low = 0, high = 0, co = 0, si = 0] = [x[at + p], x[at + half + p], cos[position * half + p], sin[position * half + p]];
      return c < half ? r(r(low * co) - r(high * si)) : r(r(high * co) + r(low * si));
    });
  const out = new Float32Array(q.length);
  for (let at = 0; at < q.length; at += headDim) {
    const head = (at / headDim) % heads;
    const now = first + Math.floor(at / (heads * headDim));
    const kv = Math.floor((head * kvHeads) / heads);
    const query = turn(q, at, now);
    const scores = Array.from({ length: now + 1 }, (_, t) => {
      const key = turn(keys, (t * kvHeads + kv) * headDim, t);
      return r(query.reduce((sum, x, c) => r(sum + r(x * (key[c] ?? 0))), 0) / r(Math.sqrt(headDim)));
    });
    const highest = Math.max(...scores);
    const weights = scores.map((score) => r(Math.exp(r(score - highest))));
    const total = weights.reduce((sum, weight) => r(sum + weight), 0);
    for (let c = 0; c < headDim; c++) {
      out[at + c] = weights.reduce((sum, weight, t) => r(sum + r(r(weight / total) * (values[(t * kvHeads + kv) * headDim + c] ?? 0))), 0);
    }
  }
  return out;
}

describe("the bound of attention in f32", () => {
  const random = uniform(3);
  const numbers = (size: number, ...shape: number[]) => tensor(shape, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => size * (2 * random() - 1)));

  it("holds for every element, however each operation rounds, and is of the size of what happens", () => {
    let closest = 0;
    for (const [tokens, size] of [[1, 1], [5, 0.01], [9, 1], [17, 3], [40, 10]] as const) {
      const queryCount = Math.min(3, tokens);
      const [q, keys, values] = [numbers(size, queryCount, 4, 8), numbers(size, tokens, 2, 8), numbers(1, tokens, 2, 8)];
      const { cos, sin } = rotaryTables(tokens, 8, SHAPE.ropeTheta, SHAPE.ropeLayout);
      const exact = evaluate(prefillExact, { q, keys, values, cos: tensor([tokens, half], cos), sin: tensor([tokens, half], sin) }).out;
      const bound = attentionBound({ queries: q.data, keys: keys.data, values: values.data }, SHAPE);
      for (let round = 0; round < 20; round++) {
        const rounded = roundedAttention(q.data, keys.data, values.data, tokens - queryCount, random);
        for (const [at, value] of rounded.entries()) {
          const ratio = Math.abs(value - (exact.data[at] ?? NaN)) / (bound[at] ?? NaN);
          expect(ratio).toBeLessThanOrEqual(1);
          closest = Math.max(closest, ratio);
        }
      }
    }
    // Summing errors as if they all pulled one way overstates them, here by less than a factor of 100.
    expect(closest).toBeGreaterThan(0.01);
  });

  it("is broken by what is no rounding: a token at the wrong position, a neighbouring value head", () => {
    const [q, keys, values] = [numbers(1, 4, 8), numbers(1, 12, 2, 8), numbers(1, 12, 2, 8)];
    const { cos, sin } = rotaryTables(13, 8, SHAPE.ropeTheta, SHAPE.ropeLayout);
    const turns = (from: number) => ({ cos: tensor([12, half], cos.slice(from * half, (from + 12) * half)), sin: tensor([12, half], sin.slice(from * half, (from + 12) * half)) });
    const right = evaluate(decodeExact, { q, keys, values, ...turns(0) }).out;
    const bound = attentionBound({ queries: q.data, keys: keys.data, values: values.data }, SHAPE);
    const broken = (other: Float64Array): boolean => other.some((value, at) => Math.abs(value - (right.data[at] ?? NaN)) > (bound[at] ?? NaN));
    expect(broken(evaluate(decodeExact, { q, keys: tensor([12, 2, 8], keys.data.map((x, at) => keys.data[(at + 16) % keys.data.length] ?? x)), values, ...turns(0) }).out.data)).toBe(true);
    expect(broken(evaluate(decodeExact, { q, keys, values: tensor([12, 2, 8], values.data.map((x, at) => values.data[at ^ 8] ?? x)), ...turns(0) }).out.data)).toBe(true);
    // All positions moved by one leave relative positions, and so the result, what it was.
    expect(broken(evaluate(decodeExact, { q, keys, values, ...turns(1) }).out.data)).toBe(false);
  });
});
