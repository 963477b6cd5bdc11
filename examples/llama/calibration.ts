/** @file The keys and values that a model makes of a text: what codebooks are learned from. */

import type { TensorData } from "../../spec/tensor/tensor";
import type { AttentionBackend } from "./backend";
import { hiddenStates, type Llama } from "./model";
import { exactAttention } from "./plain/exact";

/** What one layer appended to its cache, both [vector, kvHead, channel], keys before rotation. */
export interface LayerActivations {
  readonly keys: TensorData<Float32Array>;
  readonly values: TensorData<Float32Array>;
}

export interface CollectOptions {
  /** Stop after this many vectors; all of the contexts when absent. */
  readonly vectors?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Runs the contexts, all ids but the last of each, at full precision and keeps every layer's keys and values. */
export async function collectActivations(model: Llama, contexts: readonly (readonly number[])[], options: CollectOptions = {}): Promise<readonly LayerActivations[]> {
  const { config } = model;
  const row = config.kvHeads * config.headDim;
  const fed = contexts.map((context) => context.slice(0, -1));
  const total = Math.min(options.vectors ?? Infinity, fed.reduce((sum, ids) => sum + ids.length, 0));
  const activations = model.layers.map((): LayerActivations => ({ keys: empty(), values: empty() }));
  let done = 0;
  const exact = exactAttention(config);
  const recorder: AttentionBackend = {
    name: "recorder",
    reset: () => exact.reset(),
    attend: (layer, queries) => exact.attend(layer, queries),
    bytes: () => exact.bytes(),
    append: (layer, keys, values) => {
      const into = activations[layer];
      into?.keys.data.set(keys, done * row);
      into?.values.data.set(values, done * row);
      return exact.append(layer, keys, values);
    },
  };
  for (const ids of fed) {
    if (done === total) break;
    options.signal?.throwIfAborted();
    const taken = ids.slice(0, total - done);
    recorder.reset();
    await hiddenStates(model, recorder, taken);
    done += taken.length;
    options.onProgress?.(done, total);
  }
  return activations;

  function empty(): TensorData<Float32Array> {
    return { shape: [total, config.kvHeads, config.headDim], data: new Float32Array(total * row) };
  }
}
