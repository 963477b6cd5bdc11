/** @file The cache as coupled-quantization codes, encoded and decoded in plain loops. */

import { fromHalves, toHalves } from "../../../spec/tensor/half";
import { packCodes, unpackCodes } from "../../../spec/tensor/packing";
import type { TensorData } from "../../../spec/tensor/tensor";
import type { AttentionShape, CacheBytes } from "../backend";
import { formatName, requireFit, type Codebooks } from "../codebooks";
import { PlainAttention, type LayerCache } from "./attention";
import { Rows } from "../rows";

/** Centroids of every head and group, [head, group, centroid, member], in the f16 in which they are stored. */
export interface StoredBook {
  readonly heads: number;
  readonly groups: number;
  readonly centroids: number;
  readonly couple: number;
  readonly bits: number;
  readonly halves: Uint16Array;
}

/** Keys or values of one layer: packed codes, [token, head, group]. */
class CoupledRows {
  readonly #codes = new Rows<Uint32Array>((length) => new Uint32Array(length));

  constructor(private readonly book: StoredBook) {}

  append(vectors: Float32Array): void {
    const { heads, groups, bits } = this.book;
    const codes = encode(vectors, this.book);
    this.#codes.append(packCodes([codes.length / (heads * groups), heads, groups], codes, bits));
  }

  decoded(tokens: number): Float32Array {
    const { heads, groups, centroids, couple, bits, halves } = this.book;
    const codes = unpackCodes([tokens, heads, groups], this.#codes.used(), bits);
    return decodeCodes(codes, { shape: [heads, groups, centroids, couple], data: fromHalves(halves) });
  }

  reset(): void {
    this.#codes.reset();
  }

  get codeBytes(): number {
    return this.#codes.used().byteLength;
  }

  get bookBytes(): number {
    return this.book.halves.byteLength;
  }
}

class CoupledLayer implements LayerCache {
  readonly #keys: CoupledRows;
  readonly #values: CoupledRows;
  readonly #rowLength: number;
  #tokens = 0;

  constructor(keys: StoredBook, values: StoredBook) {
    this.#keys = new CoupledRows(keys);
    this.#values = new CoupledRows(values);
    this.#rowLength = keys.heads * keys.groups * keys.couple;
  }

  get tokens(): number {
    return this.#tokens;
  }

  append(keys: Float32Array, values: Float32Array): void {
    this.#keys.append(keys);
    this.#values.append(values);
    this.#tokens += keys.length / this.#rowLength;
  }

  keys(): Float32Array {
    return this.#keys.decoded(this.#tokens);
  }

  values(): Float32Array {
    return this.#values.decoded(this.#tokens);
  }

  reset(): void {
    this.#keys.reset();
    this.#values.reset();
    this.#tokens = 0;
  }

  bytes(): CacheBytes {
    return { codes: this.#keys.codeBytes + this.#values.codeBytes, codebooks: this.#keys.bookBytes + this.#values.bookBytes, tail: 0 };
  }
}

/** @throws KvernError KV6006 when the codebooks are not of this shape */
export function coupledAttention(shape: AttentionShape, codebooks: Codebooks): PlainAttention {
  requireFit(codebooks, shape);
  const { bits } = codebooks.format;
  const caches = codebooks.layers.map(({ keys, values }) => new CoupledLayer(storedBook(keys, bits), storedBook(values, bits)));
  return new PlainAttention(`${formatName(codebooks.format)}, plain TypeScript`, shape, caches);
}

/** A codebook, [head, group, centroid, member], rounded to the f16 it is stored in. */
export function storedBook({ shape, data }: TensorData<Float32Array>, bits: number): StoredBook {
  const [heads = 0, groups = 0, centroids = 0, couple = 0] = shape;
  return { heads, groups, centroids, couple, bits, halves: toHalves(data) };
}

/** For each group of `vectors`, [token, head, channel], the centroid at the least squared distance, the first of equals. */
export function encode(vectors: Float32Array, { heads, groups, centroids, couple, halves }: StoredBook): Uint16Array {
  const book = fromHalves(halves);
  const codes = new Uint16Array(vectors.length / couple);
  const groupsOfAll = heads * groups;
  for (let at = 0; at < codes.length; at++) {
    const from = at * couple;
    const table = (at % groupsOfAll) * centroids * couple;
    let best = 0;
    let least = Infinity;
    for (let centroid = 0; centroid < centroids; centroid++) {
      const row = table + centroid * couple;
      let distance = 0;
      // A distance only grows: the rest of a centroid that is too far already cannot bring it nearer.
      for (let i = 0; i < couple && distance < least; i++) {
        const difference = (vectors[from + i] ?? 0) - (book[row + i] ?? 0);
        distance += difference * difference;
      }
      if (distance < least) {
        least = distance;
        best = centroid;
      }
    }
    codes[at] = best;
  }
  return codes;
}

/** The centroids of `book`, [head, group, centroid, member], that `codes`, [token, head, group], stand for: [token, head, channel]. */
export function decodeCodes(codes: ArrayLike<number>, { shape, data }: TensorData): Float32Array {
  const [heads = 0, groups = 0, centroids = 0, couple = 0] = shape;
  const vectors = new Float32Array(codes.length * couple);
  for (let at = 0; at < codes.length; at++) {
    const from = ((at % (heads * groups)) * centroids + (codes[at] ?? 0)) * couple;
    for (let i = 0; i < couple; i++) vectors[at * couple + i] = data[from + i] ?? NaN;
  }
  return vectors;
}
