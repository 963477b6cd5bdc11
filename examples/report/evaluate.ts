/** @file What a cache costs a model on held-out contexts: its loss, and how far its predictions move. */

import type { AttentionBackend } from "../llama/backend";
import { hiddenStates, logits, type Llama } from "../llama/model";

/** Sums over the scored tokens of one context, in nats. */
export interface ContextScore {
  /** All ids but the first. */
  readonly tokens: number;
  /** −Σ log p(id). */
  readonly nll: number;
  /** Σ KL(p at full precision ‖ p). */
  readonly divergence: number;
}

/** Logits of each context at full precision, [token, vocabulary]. */
export type Reference = readonly Float32Array[];

/** The logits of each context, all ids but its last fed at once. */
export async function referenceLogits(model: Llama, backend: AttentionBackend, contexts: readonly (readonly number[])[], onProgress: (done: number, total: number) => void): Promise<Reference> {
  const reference: Float32Array[] = [];
  for (const context of contexts) {
    reference.push(await contextLogits(model, backend, context));
    onProgress(reference.length, contexts.length);
  }
  return reference;
}

export async function evaluateCache(
  model: Llama,
  backend: AttentionBackend,
  contexts: readonly (readonly number[])[],
  reference: Reference,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<readonly ContextScore[]> {
  const scores: ContextScore[] = [];
  for (const [index, context] of contexts.entries()) {
    scores.push(score(await contextLogits(model, backend, context), reference[index] ?? new Float32Array(), context.slice(1), model.config.vocabulary));
    onProgress(scores.length, contexts.length);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return scores;
}

async function contextLogits(model: Llama, backend: AttentionBackend, context: readonly number[]): Promise<Float32Array> {
  await backend.reset();
  return logits(model, await hiddenStates(model, backend, context.slice(0, -1)));
}

function score(found: Float32Array, reference: Float32Array, targets: readonly number[], vocabulary: number): ContextScore {
  let nll = 0;
  let divergence = 0;
  for (const [row, target] of targets.entries()) {
    const p = logProbabilities(reference.subarray(row * vocabulary, (row + 1) * vocabulary));
    const q = logProbabilities(found.subarray(row * vocabulary, (row + 1) * vocabulary));
    nll -= q[target] ?? NaN;
    for (const [id, logP] of p.entries()) divergence += Math.exp(logP) * (logP - (q[id] ?? NaN));
  }
  return { tokens: targets.length, nll, divergence };
}

function logProbabilities(scores: Float32Array): Float64Array {
  let highest = -Infinity;
  for (const value of scores) if (value > highest) highest = value;
  let total = 0;
  for (const value of scores) total += Math.exp(value - highest);
  const norm = highest + Math.log(total);
  return Float64Array.from(scores, (value) => value - norm);
}

/** Over all contexts. */
export function summary(scores: readonly ContextScore[]): { readonly perplexity: number; readonly divergence: number; readonly tokens: number } {
  const total = (part: keyof ContextScore): number => scores.reduce((sum, each) => sum + each[part], 0);
  const tokens = total("tokens");
  return { perplexity: Math.exp(total("nll") / tokens), divergence: total("divergence") / tokens, tokens };
}
