import { multiply, type Matrix } from "../matrix";
import { logits, type Llama } from "../model";
import { zeros, type Reals } from "../reals";

/** Rows whose logits are held at a time. */
const BLOCK = 64;

/**
 * The gradient by hidden states, [token, hidden], of −Σ log softmax(logits of row i)[target i], in nats: the softmax of
 * the logits less 1 at the target, taken back through the output projection.
 * @param back the output projection, transposed
 */
export function lossGradient<Data extends Reals>(model: Llama<Data>, back: Matrix<Data>, hidden: Data, targets: readonly number[]): Data {
  const { hidden: width, vocabulary } = model.config;
  const gradient = zeros(hidden, hidden.length);
  for (let first = 0; first < targets.length; first += BLOCK) {
    const block = targets.slice(first, first + BLOCK);
    const scores = logits(model, hidden.subarray(first * width, (first + block.length) * width) as Data);
    for (const [row, target] of block.entries()) {
      const line = scores.subarray(row * vocabulary, (row + 1) * vocabulary);
      softmaxInPlace(line);
      line[target] = (line[target] ?? NaN) - 1;
    }
    gradient.set(multiply(scores, back), first * width);
  }
  return gradient;
}

function softmaxInPlace(x: Reals): void {
  let highest = -Infinity;
  for (let i = 0; i < x.length; i++) highest = Math.max(highest, x[i] ?? 0);
  let total = 0;
  for (let i = 0; i < x.length; i++) total += Math.exp((x[i] ?? 0) - highest);
  for (let i = 0; i < x.length; i++) x[i] = Math.exp((x[i] ?? 0) - highest) / total;
}
