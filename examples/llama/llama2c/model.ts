/**
 * @file Models in llama2.c's files, version 0: seven 32-bit sizes, then f32 weights in a fixed order, all little endian
 * (Karpathy, llama2.c, 2023). Rotation pairs channels 2i and 2i + 1; the base of its angles is 10000, and the ε of
 * norms 10⁻⁵.
 */

import { refuse } from "../../../spec/diagnostics/diagnostic";
import type { LlamaConfig } from "../config";
import type { Matrix } from "../matrix";
import type { LayerWeights, Llama } from "../model";

/** Bytes before the weights. */
export const HEADER_BYTES = 28;

/** The first word of later versions of the format. */
const LATER = 0x616b3432;

/** No size of a real model comes near; products of three of them stay exact. */
const LARGEST = 2 ** 17;

const SIZES = ["the width", "the width of the feed-forward layer", "the number of layers", "the number of query heads", "the number of key/value heads", "the vocabulary", "the longest context"] as const;

/**
 * The configuration that a file begins with. A positive vocabulary says that the output projection is the embedding, a
 * negative one that it has weights of its own.
 * @throws KvernError KV6002 for a size that is missing, not positive, absurd, or at odds with another; KV6003 for a later version
 */
export function llama2cConfig(header: Uint8Array, file: string): LlamaConfig {
  if (header.byteLength < HEADER_BYTES) refuse({ code: "KV6002", file, message: "the file is too short for a header", expected: `${HEADER_BYTES} bytes`, got: `${header.byteLength} bytes` });
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.getUint32(0, true) === LATER) refuse({ code: "KV6003", file, message: "the file is of a later version of llama2.c's format", expected: "version 0: seven sizes, then weights in f32", got: `version ${view.getInt32(4, true)}` });
  const size = (at: number, signed = false): number => {
    const value = view.getInt32(4 * at, true);
    const magnitude = signed ? Math.abs(value) : value;
    if (magnitude >= 1 && magnitude <= LARGEST) return magnitude;
    return refuse({ code: "KV6002", file, message: `${SIZES[at] ?? "a size"} in the header is malformed`, expected: `a whole number from 1 to ${LARGEST}`, got: `${value}` });
  };
  const [hidden, intermediate, layers, heads, kvHeads, vocabulary, positions] = [size(0), size(1), size(2), size(3), size(4), size(5, true), size(6)];
  const headDim = hidden / heads;
  if (headDim % 2 !== 0) refuse({ code: "KV6002", file, message: "rotary positions pair the channels of a head", expected: "a width that is an even multiple of the query heads", got: `${hidden} over ${heads} heads` });
  if (heads % kvHeads !== 0) refuse({ code: "KV6002", file, message: "the query heads do not divide among the key/value heads", expected: `a multiple of ${kvHeads}`, got: `${heads}` });
  return {
    hidden, intermediate, layers, heads, kvHeads, headDim, vocabulary, positions,
    ropeTheta: 10_000,
    ropeLayout: "interleaved",
    normEpsilon: 1e-5,
    tied: view.getInt32(20, true) > 0,
    beginOfText: 1,
    // Texts follow one another, each led by a begin: that is how one ends.
    endOfText: [1, 2],
  };
}

/** Bytes of the whole file of a model. */
export function llama2cBytes(config: LlamaConfig): number {
  const { hidden, intermediate, layers, kvHeads, headDim, vocabulary, positions, tied } = config;
  const attention = 2 * hidden * hidden + 2 * kvHeads * headDim * hidden;
  const perLayer = 2 * hidden + attention + 3 * hidden * intermediate;
  const numbers = vocabulary * hidden * (tied ? 1 : 2) + layers * perLayer + hidden + positions * headDim;
  return HEADER_BYTES + 4 * numbers;
}

/** @throws KvernError KV6004 where the length is not what the sizes ask for */
export function requireLength(config: LlamaConfig, bytes: number, file: string): void {
  const expected = llama2cBytes(config);
  if (bytes !== expected) refuse({ code: "KV6004", file, message: "the weights do not fit the sizes in the header", expected: `${expected} bytes`, got: `${bytes} bytes` });
}

/**
 * The model that a whole file holds. Its tables of rotation follow from the configuration and are skipped.
 * @throws KvernError as `llama2cConfig`; KV6004 for a file of another length, or a weight that is not finite
 */
export function parseLlama2c(content: Uint8Array, file: string): Llama {
  const config = llama2cConfig(content, file);
  requireLength(config, content.byteLength, file);
  const numbers = floats(content);
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) refuse({ code: "KV6004", file, message: `weight ${bad} is not finite`, expected: "a finite number", got: String(numbers[bad]) });

  const { hidden, intermediate, layers, kvHeads, headDim, vocabulary, positions, tied } = config;
  let at = 0;
  const take = (length: number): Float32Array => numbers.subarray(at, (at += length));
  const vectors = (): readonly Float32Array[] => Array.from({ length: layers }, () => take(hidden));
  const matrix = (outputs: number, inputs: number): Matrix => ({ data: take(outputs * inputs), outputs, inputs });
  const matrices = (outputs: number, inputs: number): readonly Matrix[] => Array.from({ length: layers }, () => matrix(outputs, inputs));

  const embedding = matrix(vocabulary, hidden);
  const parts = {
    attentionNorm: vectors(),
    query: matrices(hidden, hidden),
    key: matrices(kvHeads * headDim, hidden),
    value: matrices(kvHeads * headDim, hidden),
    output: matrices(hidden, hidden),
    feedForwardNorm: vectors(),
    gate: matrices(intermediate, hidden),
    down: matrices(hidden, intermediate),
    up: matrices(intermediate, hidden),
  };
  const norm = take(hidden);
  take(positions * headDim);
  const head = tied ? embedding : matrix(vocabulary, hidden);
  const layer = (index: number): LayerWeights => {
    const of = <Part>(list: readonly Part[]): Part => list[index] ?? refuse({ code: "KV6004", file, message: `there is no layer ${index}` });
    return {
      attentionNorm: of(parts.attentionNorm),
      query: of(parts.query),
      key: of(parts.key),
      value: of(parts.value),
      output: of(parts.output),
      feedForwardNorm: of(parts.feedForwardNorm),
      gate: of(parts.gate),
      up: of(parts.up),
      down: of(parts.down),
    };
  };
  return { config, embedding, layers: Array.from({ length: layers }, (_, index) => layer(index)), norm, head };
}

/** What follows the header, in this machine's byte order and alignment. */
function floats(content: Uint8Array): Float32Array {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  return Float32Array.from({ length: (content.byteLength - HEADER_BYTES) / 4 }, (_, index) => view.getFloat32(HEADER_BYTES + 4 * index, true));
}
