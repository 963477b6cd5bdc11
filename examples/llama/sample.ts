/** @file Choosing the next token from its logits, on the host: the likeliest, or drawn from a seed. */

import { uniform } from "../../runtime/codebook/random";
import { refuse } from "../../spec/diagnostics/diagnostic";

/** Gives an id for logits, [vocabulary]. */
export type Sampler = (logits: Float32Array) => number;

export interface SampleOptions {
  /** Logits are divided by it; 0, the default, takes the likeliest token. */
  readonly temperature?: number;
  /** Only the k likeliest tokens are drawn from; all when absent. */
  readonly topK?: number;
  /** Only the likeliest tokens that together have this probability, at least one; 1, the default, keeps all. */
  readonly topP?: number;
  /** Of the draws. Default 1. */
  readonly seed?: number;
}

/** The likeliest token, the first of equals. */
export const likeliest: Sampler = (logits) => {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if ((logits[id] ?? 0) > (logits[best] ?? 0)) best = id;
  return best;
};

/**
 * Draws from softmax(logits / temperature), cut to the `topK` likeliest and then to the `topP` of what remains; the same
 * seed draws the same tokens.
 * @throws KvernError KV6005 for options outside their range
 */
export function sampler({ temperature = 0, topK, topP = 1, seed = 1 }: SampleOptions): Sampler {
  const require = (holds: boolean, what: string, expected: string, got: number): void => {
    if (!holds) refuse({ code: "KV6005", message: `the ${what} of sampling is out of range`, expected, got: String(got) });
  };
  require(Number.isFinite(temperature) && temperature >= 0, "temperature", "a number of at least 0", temperature);
  require(topK === undefined || (Number.isInteger(topK) && topK >= 1), "top k", "a whole number of at least 1", topK ?? 0);
  require(topP > 0 && topP <= 1, "top p", "a number above 0, at most 1", topP);
  if (temperature === 0) return likeliest;
  const random = uniform(seed);
  return (logits) => {
    const ids = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b).slice(0, topK);
    const highest = logits[ids[0] ?? 0] ?? 0;
    const weights = ids.map((id) => Math.exp(((logits[id] ?? 0) - highest) / temperature));
    const kept = leading(weights, topP * weights.reduce((a, b) => a + b, 0));
    const total = kept.reduce((a, b) => a + b, 0);
    let rest = random() * total;
    for (const [at, weight] of kept.entries()) {
      rest -= weight;
      if (rest < 0) return ids[at] ?? 0;
    }
    return ids[kept.length - 1] ?? 0;
  };
}

/** The first of `weights` that add up to `mass`, at least one. */
function leading(weights: readonly number[], mass: number): readonly number[] {
  let sum = 0;
  const end = weights.findIndex((weight) => (sum += weight) >= mass);
  return end < 0 ? weights : weights.slice(0, end + 1);
}
