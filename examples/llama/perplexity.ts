import { refuse } from "../../spec/diagnostics/diagnostic";
import type { LanguageModel } from "./language-model";

export interface Perplexity {
  /** e to the mean negative log likelihood of a scored token. */
  readonly perplexity: number;
  /** Negative log likelihood, the sum over the scored tokens, in nats. */
  readonly nll: number;
  /** Scored tokens: all but the first of each context. */
  readonly tokens: number;
}

/**
 * The perplexity of contexts, each on its own: every id after the first is scored given those before it, the whole
 * context passing through the model at once.
 * @throws KvernError KV6005 when there is nothing to score
 */
export async function perplexity(
  model: LanguageModel,
  contexts: readonly (readonly number[])[],
  onProgress?: (done: number, total: number) => void,
): Promise<Perplexity> {
  let nll = 0;
  let tokens = 0;
  for (const [index, context] of contexts.entries()) {
    await model.reset();
    if (context.length > 1) nll += negativeLogLikelihood(await model.each(context.slice(0, -1)), context.slice(1));
    tokens += Math.max(0, context.length - 1);
    onProgress?.(index + 1, contexts.length);
  }
  if (tokens === 0) refuse({ code: "KV6005", message: "there is nothing to score", expected: "contexts of at least two tokens", got: `${contexts.length} contexts` });
  return { perplexity: Math.exp(nll / tokens), nll, tokens };
}

/** −Σ log softmax(row i of the logits)[target i]. */
function negativeLogLikelihood(logits: Float32Array, targets: readonly number[]): number {
  const vocabulary = logits.length / targets.length;
  return targets.reduce((nll, target, row) => {
    const line = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
    return nll + logSumExp(line) - (line[target] ?? NaN);
  }, 0);
}

function logSumExp(x: Float32Array): number {
  let highest = -Infinity;
  for (const value of x) if (value > highest) highest = value;
  let total = 0;
  for (const value of x) total += Math.exp(value - highest);
  return highest + Math.log(total);
}
