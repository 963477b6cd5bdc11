import { refuse } from "../../spec/diagnostics/diagnostic";
import type { AttentionBackend } from "./backend";
import { hiddenStates, logits, type Llama } from "./model";

export interface Perplexity {
  /** e to the mean negative log likelihood of a scored token. */
  readonly perplexity: number;
  /** Negative log likelihood, the sum over the scored tokens, in nats. */
  readonly nll: number;
  /** Scored tokens: all but the first of each context. */
  readonly tokens: number;
}

/** Rows whose logits are held at a time. */
const BLOCK = 64;

/**
 * The perplexity of contexts, each on its own: every id after the first is scored given those before it, the whole
 * context passing through the backend at once.
 * @throws KvernError KV6005 when there is nothing to score
 */
export async function perplexity(
  model: Llama,
  backend: AttentionBackend,
  contexts: readonly (readonly number[])[],
  onProgress?: (done: number, total: number) => void,
): Promise<Perplexity> {
  let nll = 0;
  let tokens = 0;
  for (const [index, context] of contexts.entries()) {
    backend.reset();
    const hidden = await hiddenStates(model, backend, context.slice(0, -1));
    nll += negativeLogLikelihood(model, hidden, context.slice(1));
    tokens += Math.max(0, context.length - 1);
    onProgress?.(index + 1, contexts.length);
  }
  if (tokens === 0) refuse({ code: "KV6005", message: "there is nothing to score", expected: "contexts of at least two tokens", got: `${contexts.length} contexts` });
  return { perplexity: Math.exp(nll / tokens), nll, tokens };
}

/** −Σ log softmax(logits of row i)[target i]. */
function negativeLogLikelihood(model: Llama, hidden: Float32Array, targets: readonly number[]): number {
  const { hidden: width, vocabulary } = model.config;
  let nll = 0;
  for (let first = 0; first < targets.length; first += BLOCK) {
    const block = targets.slice(first, first + BLOCK);
    const scores = logits(model, hidden.subarray(first * width, (first + block.length) * width));
    for (const [row, target] of block.entries()) {
      const line = scores.subarray(row * vocabulary, (row + 1) * vocabulary);
      nll += logSumExp(line) - (line[target] ?? NaN);
    }
  }
  return nll;
}

function logSumExp(x: Float32Array): number {
  let highest = -Infinity;
  for (const value of x) if (value > highest) highest = value;
  let total = 0;
  for (const value of x) total += Math.exp(value - highest);
  return highest + Math.log(total);
}
