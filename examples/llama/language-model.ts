/** @file What writing and scoring text need of a model, whatever computes it. */

import type { AttentionBackend } from "./backend";
import type { LlamaConfig } from "./config";
import { hiddenStates, logits, type Llama } from "./model";

export interface LanguageModel {
  readonly config: LlamaConfig;
  /** Forgets every token. */
  reset(): Promise<void>;
  /**
   * Feeds the next tokens and returns the logits of what follows the last of them, [vocabulary].
   * @throws KvernError KV6005 for an unknown token or a context longer than the model's
   */
  next(ids: readonly number[]): Promise<Float32Array>;
  /** Feeds the next tokens and returns the logits of what follows each, [token, vocabulary]. @throws as `next` */
  each(ids: readonly number[]): Promise<Float32Array>;
}

/** The model in plain loops, around attention by a backend. */
export function plainModel(model: Llama, backend: AttentionBackend): LanguageModel {
  let seen = 0;
  const feed = async (ids: readonly number[]): Promise<Float32Array> => {
    const states = await hiddenStates(model, backend, ids, seen);
    seen += ids.length;
    return states;
  };
  return {
    config: model.config,
    reset: async () => {
      await backend.reset();
      seen = 0;
    },
    next: async (ids) => {
      const states = await feed(ids);
      return logits(model, states.subarray(states.length - model.config.hidden));
    },
    each: async (ids) => logits(model, await feed(ids)),
  };
}
