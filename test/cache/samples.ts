/** @file Caches for tests: codebooks and tokens on a coarse grid, on which f32 chooses codes exactly as f64 does, ties included. */

import type { CacheFormat, CacheSpec } from "../../runtime/cache/spec";
import { elementCount, type TensorData } from "../../spec/tensor/tensor";
import { uniform } from "../../runtime/codebook/random";

/** Multiples of 1/8 from −2 to 2: differences of two, their squares and sums of 16 of those are exact in f32. */
export function onGrid(shape: readonly number[], seed: number): TensorData<Float32Array> {
  const random = uniform(seed);
  return { shape, data: Float32Array.from({ length: elementCount(shape) }, () => (Math.floor(random() * 33) - 16) / 8) };
}

/** A format of a test: a coupling, or an element type. */
export type Kind = readonly [couple: number, bits: number] | "f32" | "f16";

export function formatOf(kind: Kind, heads: number, channels: number, seed: number): CacheFormat {
  if (typeof kind === "string") return { element: kind };
  const [couple, bits] = kind;
  return { couple, bits, book: onGrid([heads, channels / couple, 2 ** bits, couple], seed) };
}

export interface Shape extends Omit<CacheSpec, "layers"> {
  /** Keys and values of each layer. */
  readonly kinds: readonly (readonly [keys: Kind, values: Kind])[];
}

export function specOf({ kinds, ...shape }: Shape): CacheSpec {
  return { ...shape, layers: kinds.map(([keys, values], layer) => ({ keys: formatOf(keys, shape.heads, shape.channels, 10 * layer + 1), values: formatOf(values, shape.heads, shape.channels, 10 * layer + 2) })) };
}

/** Heads and channels for which a view on a GPU begins at any token, and for which it does not; all ways of storing. */
export const SHAPES = {
  noWindow: { heads: 2, channels: 20, kinds: [[[4, 3], [2, 5]]] },
  windowOf1: { heads: 1, channels: 12, window: 1, kinds: [[[3, 4], "f16"]] },
  windowAndSinks: { heads: 2, channels: 32, window: 5, sinks: 2, kinds: [[[8, 4], [16, 3]], [[1, 1], "f32"]] },
  sinksAlone: { heads: 2, channels: 8, sinks: 3, batch: 3, kinds: [["f32", [8, 4]]] },
  halves: { heads: 2, channels: 8, window: 4, sinks: 1, batch: 2, kinds: [["f16", [4, 4]]] },
} as const satisfies Readonly<Record<string, Shape>>;
