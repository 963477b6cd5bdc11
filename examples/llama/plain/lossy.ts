/**
 * @file Attention in plain loops over keys and values that went through a code, whatever the code: what a cache format
 * costs a model is measured with it. Nothing is packed here; formats are told apart by the numbers they give back.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { AttentionBackend, AttentionShape, CacheBytes } from "../backend";
import { rotate, rotaryTables, type RotaryTables } from "../rotary";
import { Rows } from "../rows";
import { causalAttention } from "./attention";

/** What a format makes of vectors, [token, kvHead, channel]: the numbers their codes stand for. */
export type Code = (vectors: Float32Array) => Float32Array;

export interface LayerCodes {
  readonly keys: Code;
  readonly values: Code;
}

export interface LossyCache {
  readonly layers: readonly LayerCodes[];
  /** Whether keys are coded before or after they are rotated. */
  readonly keys: "before" | "after";
  /** How many of the newest tokens, a query's own included, it sees at full precision. */
  readonly window: number;
}

/** Keys, rotated, and values of one layer, as they came and as their codes say. */
class LossyLayer {
  readonly exact = { keys: floats(), values: floats() };
  readonly coded = { keys: floats(), values: floats() };

  reset(): void {
    for (const rows of [this.exact.keys, this.exact.values, this.coded.keys, this.coded.values]) rows.reset();
  }
}

const floats = (): Rows<Float32Array> => new Rows<Float32Array>((length) => new Float32Array(length));

export class LossyAttention implements AttentionBackend {
  readonly #rotary: RotaryTables;
  readonly #layers: readonly LossyLayer[];

  constructor(
    readonly name: string,
    private readonly shape: AttentionShape,
    private readonly cache: LossyCache,
  ) {
    this.#rotary = rotaryTables(shape.positions, shape.headDim, shape.ropeTheta, shape.ropeLayout);
    this.#layers = cache.layers.map(() => new LossyLayer());
  }

  reset(): Promise<void> {
    for (const layer of this.#layers) layer.reset();
    return Promise.resolve();
  }

  append(layer: number, keys: Float32Array, values: Float32Array): Promise<void> {
    const { exact, coded } = this.#layer(layer);
    const codes = this.cache.layers[layer] ?? missing();
    const position = this.#tokens(layer);
    const turned = this.#turn(keys, position);
    exact.keys.append(turned);
    exact.values.append(values);
    coded.keys.append(this.cache.keys === "before" ? this.#turn(codes.keys(keys), position) : codes.keys(turned));
    coded.values.append(codes.values(values));
    return Promise.resolve();
  }

  attend(layer: number, queries: Float32Array): Promise<Float32Array> {
    const { exact, coded } = this.#layer(layer);
    const { heads, headDim } = this.shape;
    const first = this.#tokens(layer) - queries.length / (heads * headDim);
    const turned = rotate(queries, heads, this.#rotary, first);
    const newest = { keys: exact.keys.used(), values: exact.values.used(), width: this.cache.window };
    return Promise.resolve(causalAttention(turned, coded.keys.used(), coded.values.used(), this.shape, first, newest));
  }

  /** What this holds, which is not what a cache of the format would. */
  bytes(): CacheBytes {
    const held = this.#layers.flatMap(({ exact, coded }) => [exact.keys, exact.values, coded.keys, coded.values]);
    return { codes: 0, codebooks: 0, tail: held.reduce((sum, rows) => sum + rows.used().byteLength, 0) };
  }

  #turn(keys: Float32Array, position: number): Float32Array {
    return rotate(keys, this.shape.kvHeads, this.#rotary, position);
  }

  #tokens(layer: number): number {
    return this.#layer(layer).exact.keys.used().length / (this.shape.kvHeads * this.shape.headDim);
  }

  #layer(layer: number): LossyLayer {
    return this.#layers[layer] ?? missing();
  }
}

function missing(): never {
  throw new InternalError("a lossy cache has too few layers");
}
