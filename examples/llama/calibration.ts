/** @file The keys and values that a model makes of a text, and how much the loss minds each: what codebooks are learned from. */

import type { TensorData } from "../../spec/tensor/tensor";
import { cacheGradients, type CacheGradient, type Transposes } from "./gradients/backward";
import { fisherWeights } from "./gradients/fisher";
import { forward } from "./gradients/forward";
import type { Llama } from "./model";

/** What one layer appended to its cache, both [vector, kvHead, channel], keys before rotation. */
export interface LayerActivations {
  readonly keys: TensorData<Float32Array>;
  readonly values: TensorData<Float32Array>;
}

/** The layers from `from` to `to`, both included. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/** What one layer made of one context, rows of tokens. */
export interface LayerObservation {
  /** [token, kvHead, channel], keys before rotation. */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  /** [token, kvHead, group]. */
  readonly weights?: { readonly keys: Float32Array; readonly values: Float32Array };
}

/** How Fisher weights are to be had: the transposes of the model and the channels of a group. */
export interface FisherOptions {
  readonly back: Transposes<Float32Array>;
  readonly couple: number;
}

/**
 * Feeds the ids of a context, all but the last, and gives what the layers of the range made of each. Without `fisher` no
 * layer after the range is computed.
 * @throws KvernError KV6005 for an unknown token or a context longer than the model's
 */
export function observe(model: Llama, context: readonly number[], { from, to }: LayerRange, fisher?: FisherOptions): readonly LayerObservation[] {
  const fed = context.slice(0, -1);
  const tape = forward(model, fed, fisher === undefined ? to + 1 : undefined);
  const taped = tape.layers.slice(from, to + 1);
  if (fisher === undefined) return taped.map(({ keys, values }) => ({ keys, values }));
  const gradients = cacheGradients(model, fisher.back, tape, context.slice(1), from);
  const weigh = (gradient: CacheGradient<Float32Array> | undefined) =>
    gradient === undefined ? {} : { weights: { keys: fisherWeights(gradient.keys, fisher.couple), values: fisherWeights(gradient.values, fisher.couple) } };
  return taped.map(({ keys, values }, at) => ({ keys, values, ...weigh(gradients[at]) }));
}

/** The contexts that give `vectors` vectors, a context of n ids giving n − 1; the last is cut where it gives too many. */
export function takeContexts(contexts: readonly (readonly number[])[], vectors: number): readonly (readonly number[])[] {
  const taken: (readonly number[])[] = [];
  let left = vectors;
  for (const context of contexts) {
    if (left === 0) break;
    if (context.length < 2) continue;
    const cut = context.slice(0, left + 1);
    taken.push(cut);
    left -= cut.length - 1;
  }
  return taken;
}

export interface CollectOptions {
  /** Stop after this many vectors; all of the contexts when absent. */
  readonly vectors?: number;
  /** All layers when absent. */
  readonly layers?: LayerRange;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Runs the contexts, all ids but the last of each, at full precision and keeps every layer's keys and values. */
export async function collectActivations(model: Llama, contexts: readonly (readonly number[])[], options: CollectOptions = {}): Promise<readonly LayerActivations[]> {
  const { kvHeads, headDim } = model.config;
  const row = kvHeads * headDim;
  const { layers = { from: 0, to: model.layers.length - 1 }, vectors = Infinity } = options;
  const taken = takeContexts(contexts, vectors);
  const total = taken.reduce((sum, ids) => sum + ids.length - 1, 0);
  const empty = (): TensorData<Float32Array> => ({ shape: [total, kvHeads, headDim], data: new Float32Array(total * row) });
  const activations = Array.from({ length: layers.to - layers.from + 1 }, (): LayerActivations => ({ keys: empty(), values: empty() }));
  let done = 0;
  for (const context of taken) {
    options.signal?.throwIfAborted();
    for (const [at, { keys, values }] of observe(model, context, layers).entries()) {
      activations[at]?.keys.data.set(keys, done * row);
      activations[at]?.values.data.set(values, done * row);
    }
    done += context.length - 1;
    options.onProgress?.(done, total);
    // The event loop gets a turn, so that a page stays alive and an abort is seen.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return activations;
}
