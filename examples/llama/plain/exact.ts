/** @file The cache at full precision: keys and values as f32. */

import type { AttentionShape, CacheBytes } from "../backend";
import { PlainAttention, type LayerCache } from "./attention";
import { Rows } from "../rows";

class ExactLayer implements LayerCache {
  readonly #keys = new Rows<Float32Array>((length) => new Float32Array(length));
  readonly #values = new Rows<Float32Array>((length) => new Float32Array(length));

  constructor(private readonly rowLength: number) {}

  get tokens(): number {
    return this.#keys.used().length / this.rowLength;
  }

  append(keys: Float32Array, values: Float32Array): void {
    this.#keys.append(keys);
    this.#values.append(values);
  }

  keys(): Float32Array {
    return this.#keys.used();
  }

  values(): Float32Array {
    return this.#values.used();
  }

  reset(): void {
    this.#keys.reset();
    this.#values.reset();
  }

  bytes(): CacheBytes {
    return { codes: 0, codebooks: 0, tail: this.#keys.used().byteLength + this.#values.used().byteLength };
  }
}

export function exactAttention(shape: AttentionShape): PlainAttention {
  const caches = Array.from({ length: shape.layers }, () => new ExactLayer(shape.kvHeads * shape.headDim));
  return new PlainAttention("full precision, plain TypeScript", shape, caches);
}
