/**
 * @file Attention in plain loops over whatever a layer's cache holds: the oracle of the compiled kernels, and the runner
 * where there is no device.
 */

import { refuse } from "../../../spec/diagnostics/diagnostic";
import type { AttentionBackend, AttentionShape, CacheBytes } from "../backend";
import { dot } from "../matrix";
import { zeros, type Reals } from "../reals";
import { rotate, rotaryTables, type RotaryTables } from "../rotary";

/** Keys and values of one layer, however they are stored. All are [token, kvHead, channel], keys before rotation. */
export interface LayerCache {
  readonly tokens: number;
  append(keys: Float32Array, values: Float32Array): void;
  /** All keys of the layer, as attention sees them. */
  keys(): Float32Array;
  values(): Float32Array;
  reset(): void;
  bytes(): CacheBytes;
}

export class PlainAttention implements AttentionBackend {
  readonly #rotary: RotaryTables;

  constructor(
    readonly name: string,
    private readonly shape: AttentionShape,
    private readonly caches: readonly LayerCache[],
  ) {
    this.#rotary = rotaryTables(shape.positions, shape.headDim, shape.ropeTheta, shape.ropeLayout);
  }

  reset(): Promise<void> {
    for (const cache of this.caches) cache.reset();
    return Promise.resolve();
  }

  append(layer: number, keys: Float32Array, values: Float32Array): Promise<void> {
    this.#cache(layer).append(keys, values);
    return Promise.resolve();
  }

  attend(layer: number, queries: Float32Array): Promise<Float32Array> {
    const cache = this.#cache(layer);
    const { heads, kvHeads, headDim } = this.shape;
    const first = cache.tokens - queries.length / (heads * headDim);
    const rotatedKeys = rotate(cache.keys(), kvHeads, this.#rotary, 0);
    const rotatedQueries = rotate(queries, heads, this.#rotary, first);
    return Promise.resolve(causalAttention(rotatedQueries, rotatedKeys, cache.values(), this.shape, first));
  }

  bytes(): CacheBytes {
    const each = this.caches.map((cache) => cache.bytes());
    const total = (part: keyof CacheBytes): number => each.reduce((sum, bytes) => sum + bytes[part], 0);
    return { codes: total("codes"), codebooks: total("codebooks"), tail: total("tail") };
  }

  #cache(layer: number): LayerCache {
    return this.caches[layer] ?? refuse({ code: "KV6006", message: "the cache has too few layers", expected: `layer ${layer}`, got: `${this.caches.length} layers` });
  }
}

/** The newest tokens as a query sees them: those less than `width` before it, itself included. */
export interface Newest<Data extends Reals> {
  readonly width: number;
  /** Rotated, of all tokens, [token, kvHead, channel]. */
  readonly keys: Data;
  readonly values: Data;
}

/**
 * Σ_t softmax_t(q · k_t / √headDim) · v_t for each query and head, over the tokens 0 … `first` + query; grouped queries
 * read key/value head ⌊head · kvHeads / heads⌋. The maximum is subtracted before exponentials. Keys are rotated. Of the
 * tokens that `newest` is given for, its keys and values are read instead.
 */
export function causalAttention<Data extends Reals>(
  queries: Data,
  keys: Data,
  values: Data,
  { heads, kvHeads, headDim }: Pick<AttentionShape, "heads" | "kvHeads" | "headDim">,
  first: number,
  newest: Newest<Data> = { keys, values, width: 0 },
): Data {
  const out = zeros(queries, queries.length);
  const scale = 1 / Math.sqrt(headDim);
  const weights = new Float64Array(keys.length / (kvHeads * headDim));
  const mixed = new Float64Array(headDim);
  for (let at = 0; at < queries.length; at += headDim) {
    const head = (at / headDim) % heads;
    const live = first + Math.floor(at / (headDim * heads)) + 1;
    const kv = Math.floor((head * kvHeads) / heads);
    const near = Math.max(0, live - newest.width);
    let highest = -Infinity;
    for (let t = 0; t < live; t++) {
      const score = scale * dot(queries, at, t < near ? keys : newest.keys, (t * kvHeads + kv) * headDim, headDim);
      weights[t] = score;
      if (score > highest) highest = score;
    }
    let total = 0;
    mixed.fill(0);
    for (let t = 0; t < live; t++) {
      const weight = Math.exp((weights[t] ?? 0) - highest);
      total += weight;
      const row = (t * kvHeads + kv) * headDim;
      const from = t < near ? values : newest.values;
      for (let c = 0; c < headDim; c++) mixed[c] = (mixed[c] ?? 0) + weight * (from[row + c] ?? 0);
    }
    for (let c = 0; c < headDim; c++) out[at + c] = (mixed[c] ?? 0) / total;
  }
  return out;
}
