/**
 * @file What the model asks of whoever keeps its keys and values. The model computes everything else; a backend decides
 * how the cache is stored and where attention runs.
 */

import type { LlamaConfig } from "./config";

/** The sizes a backend needs to know. */
export type AttentionShape = Pick<LlamaConfig, "layers" | "heads" | "kvHeads" | "headDim" | "positions" | "ropeTheta" | "ropeLayout">;

/** Bytes of the arrays a backend holds for the tokens it has seen, all layers together. */
export interface CacheBytes {
  /** Keys and values of tokens held as codes. */
  readonly codes: number;
  readonly codebooks: number;
  /** Keys and values of tokens held as numbers. */
  readonly tail: number;
}

/**
 * Keys, values and queries are f32, row-major; keys and queries come **before** rotation, which is the backend's work:
 * the token appended n-th to a layer stands at position n.
 */
export interface AttentionBackend {
  readonly name: string;
  /** Forgets every token. */
  reset(): Promise<void>;
  /** Adds the keys and values, both [token, kvHead, channel], of the next tokens of a layer. */
  append(layer: number, keys: Float32Array, values: Float32Array): Promise<void>;
  /**
   * Causal attention of the newest tokens of a layer: `queries`, [query, head, channel], belong to the last tokens
   * appended, and each sees the tokens up to and including its own. Returns [query, head, channel].
   */
  attend(layer: number, queries: Float32Array): Promise<Float32Array>;
  bytes(): CacheBytes;
}
