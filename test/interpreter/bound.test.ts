import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import { GPUJS, interpretWithBound, WGSL } from "../../spec/interpreter";
import type { TensorData } from "../../spec/tensor";
import { randomFrom } from "./adversary";
import { attack, numbers, TABLES, tally } from "./attack";
import { pushed } from "./directed";
import { graphOf, softmaxOf, tensorOf } from "./sample";

/** softmax(q·k / √D)·v over [row, token, channel], with a scale that stands outside the sum. */
function attention(): Graph {
  const b = new GraphBuilder();
  const [q, k, v] = [tensorOf("q", ["row", "channel"]), tensorOf("k", ["token", "channel"]), tensorOf("v", ["token", "wide"])];
  return graphOf(b, [q, k, v], tensorOf("out", ["row", "wide"]), (r = b.zero, w = b.zero) => {
    const c = b.index("channel", b.extent("channel"), 5);
    const score = (t: Value): Value => b.divide(b.reduce("sum", c, b.multiply(b.load(q, [r, c]), b.load(k, [t, c]))), b.power(b.extent("channel"), b.constant(0.5)));
    const weight = softmaxOf(b, "token", score, 6);
    const t = b.index("token", b.extent("token"), 7);
    return b.reduce("sum", t, b.multiply(weight(t), b.load(v, [t, w])));
  });
}

type AttentionInputs = Readonly<Record<"q" | "k" | "v", TensorData<Float32Array>>>;

/**
 * The closed form for softmax-weighted sums in one piece (T = 1): score errors γ_{D+2}·|scale|·Σ|q·k|, weights
 * η = e^{Δs + u·t} − 1 + (3 + 3t + 2)u with t = max − s, output Σ p·η·|v − y| / (1 − Σ p·η) + γ_{L+3}·Σ p·|v| + (γ_{L+3} + 2.5u)·|y|.
 */
function closedForm({ q, k, v }: AttentionInputs): Float64Array {
  const [rows = 0, channels = 0] = q.shape;
  const [tokens = 0, wide = 0] = v.shape;
  const u = 2 ** -23;
  const gamma = (n: number): number => (1 + u) ** n - 1;
  const at = (tensor: TensorData<Float32Array>, i: number, j: number): number => tensor.data[i * (tensor.shape[1] ?? 0) + j] ?? NaN;
  const scale = 1 / Math.sqrt(channels);
  const bounds = new Float64Array(rows * wide);
  for (let r = 0; r < rows; r++) {
    const scores: number[] = [];
    const errors: number[] = [];
    for (let t = 0; t < tokens; t++) {
      let [score, size] = [0, 0];
      for (let c = 0; c < channels; c++) {
        score += at(q, r, c) * at(k, t, c);
        size += Math.abs(at(q, r, c) * at(k, t, c));
      }
      scores.push(score * scale);
      errors.push(gamma(channels + 2) * scale * size);
    }
    const peak = Math.max(...scores);
    const total = scores.reduce((sum, s) => sum + Math.exp(s - peak), 0);
    for (let w = 0; w < wide; w++) {
      const y = scores.reduce((sum, s, t) => sum + (Math.exp(s - peak) / total) * at(v, t, w), 0);
      let [spread, doubt, size] = [0, 0, 0];
      for (let t = 0; t < tokens; t++) {
        const s = scores[t] ?? NaN;
        const p = Math.exp(s - peak) / total;
        const eta = Math.expm1((errors[t] ?? NaN) + u * (peak - s)) + (3 + 3 * (peak - s) + 2) * u;
        spread += p * eta * Math.abs(at(v, t, w) - y);
        doubt += p * eta;
        size += p * Math.abs(at(v, t, w));
      }
      bounds[r * wide + w] = spread / (1 - doubt) + gamma(tokens + 3) * size + (gamma(tokens + 3) + 2.5 * u) * Math.abs(y);
    }
  }
  return bounds;
}

describe("the bound of attention", () => {
  const graph = attention();
  const inputs = (seed: number, size: { row: number; token: number; channel: number; wide: number }, scale: number, centre = 0): AttentionInputs => {
    const random = randomFrom(seed);
    return {
      q: numbers(random, [size.row, size.channel], scale),
      k: numbers(random, [size.token, size.channel], 1),
      v: numbers(random, [size.token, size.wide], 1, centre),
    };
  };

  it("holds against a hostile device on a hundred thousand outputs", () => {
    const found = tally();
    const sizes = [
      { row: 2, token: 1, channel: 3, wide: 40 },
      { row: 3, token: 7, channel: 16, wide: 60 },
      { row: 2, token: 33, channel: 8, wide: 90 },
      { row: 1, token: 120, channel: 32, wide: 64 },
    ];
    let seed = 1;
    for (const size of sizes) {
      for (const scale of [0.3, 3, 300]) {
        for (const rescalings of [0, 5]) attack(found, graph, inputs(seed, size, scale, seed % 2 === 0 ? 0 : 3), seed++, 40, rescalings);
      }
    }
    expect(found).toMatchObject({ violations: 0, unbounded: 0 });
    expect(found.outputs).toBeGreaterThanOrEqual(100_000);
    // An attack that comes nowhere near the bound would show nothing.
    expect(found.worst).toBeGreaterThan(0.1);
  });

  it.each([[1, 16, 0], [16, 64, 0], [100, 64, 0], [100, 128, 3], [512, 64, 0]])("is at the median at most thirty times what the worst roundings reach, over %i tokens, %i channels, values around %i", (token, channel, centre) => {
    const given = inputs(11, { row: 2, token, channel, wide: 16 }, 1, centre);
    const { out } = interpretWithBound(graph, given, { rescalings: 0 });
    const slack = (out?.data ?? []).map((value, at) => {
      const reached = ([1, -1] as const).map((way) => Math.abs(pushed(given, Math.floor(at / 16), at % 16, way) - value));
      expect(Math.max(...reached)).toBeLessThanOrEqual(out?.bound[at] ?? 0);
      return (out?.bound[at] ?? Infinity) / Math.max(...reached);
    });
    expect(slack.toSorted((a, b) => a - b)[16]).toBeLessThanOrEqual(30);
  });

  it.each([
    [16, 64, 1, 0], [64, 128, 1, 0], [256, 128, 1, 0], [1000, 64, 1, 0], [1000, 64, 1, 3], [2000, 128, 3, 0],
  ])("stays within a tenth of the closed form, over %i tokens, %i channels, queries of size %i, values around %i", (token, channel, scale, centre) => {
    const given = inputs(5, { row: 2, token, channel, wide: 16 }, scale, centre);
    const { out } = interpretWithBound(graph, given, { rescalings: 0 });
    const closed = closedForm(given);
    for (const [at, bound] of (out?.bound ?? []).entries()) expect(bound / (closed[at] ?? NaN)).toBeLessThan(1.1);
  });

  it("stays below a thousandth where one token takes all the weight, at logits of a thousand", () => {
    const given = inputs(5, { row: 4, token: 100, channel: 128, wide: 32 }, 300);
    const { out } = interpretWithBound(graph, given, { rescalings: 0 });
    expect(Math.max(...(out?.bound ?? [Infinity]))).toBeLessThan(1e-3);
  });

  const MODES = TABLES.filter(({ kind }) => kind !== "wgsl").map((table) => ({ table, name: table.accuracy.name }));

  it.each(MODES)("holds in $name, at any share of stored numbers", ({ table }) => {
    const found = tally();
    let seed = 1;
    for (const size of [{ row: 3, token: 7, channel: 16, wide: 60 }, { row: 2, token: 33, channel: 8, wide: 90 }, { row: 1, token: 120, channel: 32, wide: 64 }]) {
      for (const scale of [0.3, 3, 300]) for (const rescalings of [0, 2]) attack(found, graph, inputs(seed, size, scale, seed % 2 === 0 ? 0 : 3), seed++, 5, rescalings, table);
    }
    expect(found).toMatchObject({ violations: 0, unbounded: 0 });
    expect(found.outputs).toBeGreaterThanOrEqual(10_000);
    expect(found.worst).toBeGreaterThan(0.05);
  });

  it("does not hold in cpu for a device of WGSL", () => {
    const found = tally();
    attack(found, graph, inputs(3, { row: 2, token: 256, channel: 128, wide: 16 }, 0.3), 3, 5, 0, { accuracy: GPUJS.cpu, kind: "wgsl" });
    expect(found.violations).toBeGreaterThan(0);
  });

  it.each([0.3, 3, 30, 300])("is a fraction of WGSL's in cpu, where f64 sums 128 channels, for queries of size %d", (scale) => {
    const given = inputs(7, { row: 2, token: 256, channel: 128, wide: 16 }, scale);
    const [wide, narrow] = [WGSL, GPUJS.cpu].map((accuracy) => Math.max(...(interpretWithBound(graph, given, { accuracy })["out"]?.bound ?? [NaN])));
    expect((narrow ?? NaN) * 20).toBeLessThan(wide ?? NaN);
  });
});
