/** @file What formats are fitted to: a model's keys and values on the calibration text, and the loss's gradients by them. */

import { cacheGradients, transposes } from "../llama/gradients/backward";
import { forward } from "../llama/gradients/forward";
import type { Llama } from "../llama/model";
import { rotate, rotaryTables } from "../llama/rotary";

export interface Vectors {
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** Of every layer, [vector, kvHead, channel], keys before rotation. */
export interface Calibration {
  /** Where in its context each vector stood. */
  readonly positions: Int32Array;
  readonly layers: readonly Vectors[];
  /** Of the negative log likelihood of the ids that follow, summed over a context. */
  readonly gradients: readonly Vectors[];
}

/** The first `vectors` tokens of the contexts, all but the last id of each. */
export async function calibrationOf(model: Llama, contexts: readonly (readonly number[])[], vectors: number, onProgress: (done: number, total: number) => void): Promise<Calibration> {
  const { config } = model;
  const row = config.kvHeads * config.headDim;
  const total = Math.min(vectors, contexts.reduce((sum, ids) => sum + ids.length - 1, 0));
  const empty = (): readonly Vectors[] => model.layers.map(() => ({ keys: new Float32Array(total * row), values: new Float32Array(total * row) }));
  const [layers, gradients, positions] = [empty(), empty(), new Int32Array(total)];
  const back = transposes(model);
  let done = 0;
  for (const context of contexts) {
    if (done === total) break;
    const tape = forward(model, context.slice(0, -1));
    const by = cacheGradients(model, back, tape, context.slice(1));
    const taken = Math.min(context.length - 1, total - done);
    for (const [from, to] of [[tape.layers, layers], [by, gradients]] as const) {
      for (const [index, { keys, values }] of from.entries()) {
        to[index]?.keys.set(keys.subarray(0, taken * row), done * row);
        to[index]?.values.set(values.subarray(0, taken * row), done * row);
      }
    }
    for (let position = 0; position < taken; position++) positions[done + position] = position;
    done += taken;
    onProgress(done, total);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return { positions, layers, gradients };
}

/** Keys, or gradients by them, [vector, kvHead, channel], after rotation: a gradient turns as what it is taken by. */
export function turned({ config }: Llama, keys: Float32Array, positions: Int32Array): Float32Array {
  const row = config.kvHeads * config.headDim;
  const tables = rotaryTables(config.positions, config.headDim, config.ropeTheta, config.ropeLayout);
  const out = new Float32Array(keys.length);
  for (const [vector, position] of positions.entries()) out.set(rotate(keys.subarray(vector * row, (vector + 1) * row), config.kvHeads, tables, position), vector * row);
  return out;
}
