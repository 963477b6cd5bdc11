/** @file What a saved cache is made of, for its writer and its reader. `spec/formats.md` describes the file. */

import { packedWords } from "../../spec/tensor/packing";
import { shapeText, type TensorData } from "../../spec/tensor/tensor";
import { checksum } from "./checksum";
import type { CachedTokens, CacheFormat, Part, Side } from "./spec";

export const FORMAT = "kvern-cache";
/** Raised when an old reader would misread a new file. */
export const VERSION = "1";

/** What the metadata says of a cache, as JSON. */
export interface Described {
  readonly heads: number;
  readonly channels: number;
  readonly window: number;
  readonly sinks: number;
  readonly layers: readonly Readonly<Record<Side, { readonly couple: number; readonly bits: number } | { readonly element: "f32" | "f16" }>>[];
  /** By sequence, then by layer: its tokens. */
  readonly tokens: readonly (readonly CachedTokens[])[];
}

export const stripName = (sequence: number, layer: number, side: Side, part: Part): string => `sequence.${sequence}.layer.${layer}.${side}.${part}`;
export const bookName = (layer: number, side: Side): string => `layer.${layer}.${side}.book`;

/** How tokens are stored that have not left the window. */
export const FULL: CacheFormat = { element: "f32" };

/** The words of a row of packed codes, in which they are saved. */
export const wordsOf = ([, , groups = 0]: readonly number[], bits: number): number => packedWords([groups], bits);

/** Over the description and, in the order of their names, each tensor's name, shape and elements. */
export function checksumOf(cache: string, tensors: Readonly<Record<string, TensorData>>): string {
  const text = new TextEncoder();
  const parts: Uint8Array[] = [text.encode(cache)];
  for (const [name, { shape, data }] of Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const numbers = ArrayBuffer.isView(data) ? data : Float64Array.from(data);
    parts.push(text.encode(`${name} ${shapeText(shape)}`), new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  }
  return checksum(parts);
}
