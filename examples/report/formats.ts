/** @file The cache formats that the report compares, as data, and what each does to keys and values. */

import type { AttentionShape } from "../llama/backend";
import { formatName } from "../llama/codebooks";
import { decodeCodes, encode, storedBook } from "../llama/plain/coupled";
import type { Code } from "../llama/plain/lossy";
import type { CoupledFormat } from "../../runtime/codebook/coupled";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { storageWords } from "../../spec/tensor/storage";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import type { TensorData } from "../../spec/tensor/tensor";

export type Format =
  | { readonly kind: "exact" }
  /** Evenly spaced numbers from the least to the largest that a channel had in the calibration text. */
  | { readonly kind: "perChannel"; readonly bits: number }
  /** Evenly spaced numbers from the least to the largest of a token's channels in a head. */
  | { readonly kind: "perToken"; readonly bits: number }
  /** Centroids of `couple` channels; of one channel each, a grid that is not evenly spaced. */
  | ({ readonly kind: "coupled" } & CoupledFormat);

/** A name, without what else tells rows apart. */
export function nameOf(format: Format): string {
  switch (format.kind) {
    case "exact":
      return "full precision";
    case "perChannel":
      return `INT${format.bits} per channel`;
    case "perToken":
      return `INT${format.bits} per token`;
    case "coupled":
      return format.couple === 1 ? `grid of ${2 ** format.bits} per channel` : formatName(format);
  }
}

export function bitsPerChannel(format: Format): number {
  if (format.kind === "exact") return 32;
  return format.kind === "coupled" ? format.bits / format.couple : format.bits;
}

/** Bits that a token takes for each channel: codes, and the scales and zeros that come with them, without what fills up words. */
export function payloadBits(format: Format, { headDim }: Pick<AttentionShape, "headDim">): number {
  return bitsPerChannel(format) + (format.kind === "perToken" ? SCALES / headDim : 0);
}

/** A scale and a zero in f16. */
const SCALES = 32;

/** Bytes that each token adds to a cache, keys and values of all layers, as `spec/formats.md` lays them out. */
export function bytesPerToken(format: Format, { layers, kvHeads, headDim }: AttentionShape): number {
  const uint = (bits: number, perHead: number): number => 4 * storageWords({ kind: "uint", bits }, [kvHeads, perHead]);
  const side = (): number => {
    switch (format.kind) {
      case "exact":
        return 4 * kvHeads * headDim;
      case "perChannel":
        return uint(format.bits, headDim);
      case "perToken":
        return uint(format.bits, headDim) + (SCALES / 8) * kvHeads;
      case "coupled":
        return uint(format.bits, headDim / format.couple);
    }
  };
  return 2 * layers * side();
}

/** Bytes that do not grow with the tokens: codebooks, or scales and zeros of channels. */
export function fixedBytes(format: Format, { layers, kvHeads, headDim }: AttentionShape): number {
  const numbers = 2 * layers * kvHeads * headDim;
  if (format.kind === "coupled") return 2 * numbers * 2 ** format.bits;
  return format.kind === "perChannel" ? 4 * numbers : 0;
}

/** The nearest code of evenly spaced numbers, `zero` and `scale` in f16, and the number it stands for. */
function nearest(x: number, zero: number, scale: number, bits: number): number {
  const code = scale === 0 ? 0 : Math.min(Math.max(Math.round((x - zero) / scale), 0), 2 ** bits - 1);
  return zero + scale * code;
}

const asHalf = (numbers: Float32Array): Float32Array => fromHalves(toHalves(numbers));

/** `perChannel` with one block, whose range is that of `vectors`, [vector, head, channel]. */
export function perChannelCode({ shape, data }: TensorData<Float32Array>, bits: number): Code {
  const [, heads = 0, channels = 0] = shape;
  const row = heads * channels;
  const least = new Float32Array(row).fill(Infinity);
  const largest = new Float32Array(row).fill(-Infinity);
  for (const [at, value] of data.entries()) {
    least[at % row] = Math.min(least[at % row] ?? 0, value);
    largest[at % row] = Math.max(largest[at % row] ?? 0, value);
  }
  const zero = asHalf(least);
  const scale = asHalf(largest.map((high, at) => (high - (least[at] ?? 0)) / (2 ** bits - 1)));
  return (vectors) => vectors.map((value, at) => nearest(value, zero[at % row] ?? 0, scale[at % row] ?? 0, bits));
}

/** `perToken` with one block for each token and head of `channels` channels. */
export function perTokenCode(channels: number, bits: number): Code {
  return (vectors) => {
    const least = new Float32Array(vectors.length / channels).fill(Infinity);
    const largest = new Float32Array(vectors.length / channels).fill(-Infinity);
    const rowOf = (at: number): number => Math.floor(at / channels);
    for (const [at, value] of vectors.entries()) {
      const row = rowOf(at);
      if (value < (least[row] ?? 0)) least[row] = value;
      if (value > (largest[row] ?? 0)) largest[row] = value;
    }
    const zero = asHalf(least);
    const scale = asHalf(largest.map((high, row) => (high - (least[row] ?? 0)) / (2 ** bits - 1)));
    return vectors.map((value, at) => nearest(value, zero[rowOf(at)] ?? 0, scale[rowOf(at)] ?? 0, bits));
  };
}

/** The centroids of `book`, [head, group, centroid, member], that are nearest. */
export function coupledCode(book: TensorData<Float32Array>): Code {
  const centroids = book.shape[2] ?? 0;
  if (centroids === 0) throw new InternalError("a codebook without centroids");
  const stored = storedBook(book, Math.log2(centroids));
  const decoded = { shape: book.shape, data: fromHalves(stored.halves) };
  return (vectors) => decodeCodes(encode(vectors, stored), decoded);
}
