/**
 * @file Attention over coupled codes as a fast kernel computes it, on hostile arithmetic, against the bound of the obvious
 * program: partial scores in tables of query and centroid, tiles with a running reference, values summed by code or
 * one by one, parts merged in any order, the scale put on the query, the scores or the reference.
 */

import { describe, expect, it } from "vitest";
import { interpretWithBound } from "../../spec/interpreter";
import type { TensorData } from "../../spec/tensor";
import { BIASES, HostileArithmetic, randomFrom } from "./adversary";
import { count, numbers, ROUNDS, tally } from "./attack";
import { coupledAttention } from "./sample";

const [HEADS, KV_HEADS, CHANNELS, COUPLE] = [4, 2, 16, 4] as const;
const GROUPS = CHANNELS / COUPLE;

interface Inputs {
  readonly q: TensorData<Float32Array>;
  readonly "keys.codes": TensorData<Uint8Array>;
  readonly "keys.book": TensorData<Float32Array>;
  readonly "values.codes": TensorData<Uint8Array>;
  readonly "values.book": TensorData<Float32Array>;
}

function inputs(seed: number, tokens: number, scale: number, centre: number): Inputs {
  const random = randomFrom(seed);
  // Few codes, so that bins are shared.
  const codes = (): TensorData<Uint8Array> => ({ shape: [tokens, KV_HEADS, GROUPS], data: Uint8Array.from({ length: tokens * KV_HEADS * GROUPS }, () => Math.floor(random() * 9)) });
  const book = (around: number): TensorData<Float32Array> => numbers(random, [KV_HEADS, GROUPS, 256, COUPLE], 1, around);
  return { q: numbers(random, [HEADS, CHANNELS], scale), "keys.codes": codes(), "keys.book": book(0), "values.codes": codes(), "values.book": book(centre) };
}

/** What a part of the tokens comes to: its reference, Σ e and Σ e·v, relative to the reference. */
interface State {
  readonly reference: number;
  readonly total: number;
  readonly sums: readonly number[];
}

class FastKernel {
  readonly #f32: HostileArithmetic;
  readonly #given: Inputs;
  readonly #tokens: number;

  constructor(f32: HostileArithmetic, given: Inputs) {
    this.#f32 = f32;
    this.#given = given;
    this.#tokens = given["keys.codes"].shape[0] ?? 0;
  }

  out(): Float64Array {
    const result = new Float64Array(HEADS * CHANNELS);
    for (let h = 0; h < HEADS; h++) result.set(this.#head(h), h * CHANNELS);
    return result;
  }

  #code(of: "keys" | "values", t: number, kv: number, g: number): number {
    return this.#given[`${of}.codes`].data[(t * KV_HEADS + kv) * GROUPS + g] ?? 0;
  }

  #centroid(of: "keys" | "values", kv: number, g: number, code: number, lane: number): number {
    return this.#given[`${of}.book`].data[((kv * GROUPS + g) * 256 + code) * COUPLE + lane] ?? NaN;
  }

  #head(h: number): number[] {
    const f32 = this.#f32;
    const kv = Math.floor(h / (HEADS / KV_HEADS));
    const scale = f32.round(1 / Math.sqrt(CHANNELS));
    const early = f32.chance(0.5);
    const query = Array.from({ length: CHANNELS }, (_, c) => {
      const q = this.#given.q.data[h * CHANNELS + c] ?? NaN;
      return early ? f32.round(q * scale) : q;
    });
    const table = Array.from({ length: GROUPS }, (_, g) =>
      Array.from({ length: 256 }, (_, code) => f32.sum(Array.from({ length: COUPLE }, (_, lane) => f32.round((query[g * COUPLE + lane] ?? NaN) * this.#centroid("keys", kv, g, code, lane))))),
    );
    const scores = Array.from({ length: this.#tokens }, (_, t) => {
      const raw = f32.sum(table.map((entries, g) => entries[this.#code("keys", t, kv, g)] ?? NaN));
      return early ? raw : f32.round(raw * scale);
    });
    const parts: State[] = [];
    const size = f32.chance(0.5) ? this.#tokens : 64;
    for (let from = 0; from < this.#tokens; from += size) parts.push(this.#part(scores, kv, from, Math.min(from + size, this.#tokens)));
    if (f32.chance(0.5)) parts.reverse();
    const merged = this.#merged(parts);
    const total = merged.total;
    const inverse = f32.divide(1, total);
    const once = f32.chance(0.5);
    return merged.sums.map((sum) => (once ? f32.round(sum * inverse) : f32.divide(sum, total)));
  }

  #part(scores: readonly number[], kv: number, from: number, to: number): State {
    const f32 = this.#f32;
    const grouped = f32.chance(0.5);
    let state: { reference: number; total: number; bins: number[] } | undefined;
    const width = grouped ? GROUPS * 256 : CHANNELS;
    for (let tile = from; tile < to; tile += 32) {
      const members = Array.from({ length: Math.min(32, to - tile) }, (_, i) => tile + i);
      const highest = Math.max(...members.map((t) => scores[t] ?? NaN));
      const reference = state === undefined ? highest : Math.max(state.reference, highest);
      const weights = members.map((t) => f32.exp(f32.round((scores[t] ?? NaN) - reference)));
      const contributions: number[][] = Array.from({ length: width }, () => []);
      members.forEach((t, at) => {
        const weight = weights[at] ?? NaN;
        for (let g = 0; g < GROUPS; g++) {
          const code = this.#code("values", t, kv, g);
          if (grouped) contributions[g * 256 + code]?.push(weight);
          else for (let lane = 0; lane < COUPLE; lane++) contributions[g * COUPLE + lane]?.push(f32.round(weight * this.#centroid("values", kv, g, code, lane)));
        }
      });
      const change = state === undefined ? 1 : f32.exp(f32.round(state.reference - reference));
      state = {
        reference,
        total: f32.sum([state === undefined ? 0 : f32.round(state.total * change), ...weights]),
        bins: contributions.map((list, at) => f32.sum([f32.round((state?.bins[at] ?? 0) * change), ...list])),
      };
    }
    if (state === undefined) return { reference: -Infinity, total: 0, sums: Array.from({ length: CHANNELS }, () => 0) };
    const { bins } = state;
    const sums = !grouped ? bins : Array.from({ length: CHANNELS }, (_, c) => {
      const [g, lane] = [Math.floor(c / COUPLE), c % COUPLE];
      return f32.sum(Array.from({ length: 256 }, (_, code) => f32.round((bins[g * 256 + code] ?? 0) * this.#centroid("values", kv, g, code, lane))));
    });
    return { reference: state.reference, total: state.total, sums };
  }

  #merged(parts: readonly State[]): State {
    const f32 = this.#f32;
    const reference = Math.max(...parts.map((part) => part.reference));
    const changes = parts.map((part) => f32.exp(f32.round(part.reference - reference)));
    const scaled = (of: (part: State) => number): number => f32.sum(parts.map((part, at) => f32.round(of(part) * (changes[at] ?? NaN))));
    return { reference, total: scaled(({ total }) => total), sums: Array.from({ length: CHANNELS }, (_, c) => scaled(({ sums }) => sums[c] ?? NaN)) };
  }
}

describe("a fast kernel on hostile arithmetic", () => {
  const graph = coupledAttention(COUPLE, CHANNELS, HEADS, KV_HEADS);

  it.each([[1, 1, 0], [33, 1, 0], [150, 3, 0], [150, 30, 3]])("stays within the bound of the obvious program: %i tokens, queries of size %i, values around %i", (tokens, scale, centre) => {
    const found = tally();
    for (let seed = 1; seed <= 3; seed++) {
      const given = inputs(seed, tokens, scale, centre);
      const { out } = interpretWithBound(graph, { ...given });
      if (out === undefined) throw new Error("no output");
      for (let round = 0; round < 15 * ROUNDS; round++) {
        const bias = BIASES[round % BIASES.length] ?? "random";
        count(found, out, new FastKernel(new HostileArithmetic(randomFrom(seed * 1000 + round), { kind: "wgsl", bias }), given).out());
      }
    }
    expect(found).toMatchObject({ violations: 0, unbounded: 0 });
    expect(found.outputs).toBe(3 * 15 * ROUNDS * HEADS * CHANNELS);
    expect(found.worst).toBeGreaterThan(0.02);
  });
});
