import type { LlamaConfig } from "../../examples/llama/config";
import type { Matrix } from "../../examples/llama/matrix";
import type { Llama } from "../../examples/llama/model";
import type { Reals } from "../../examples/llama/reals";
import { uniform } from "../../runtime/codebook/random";

export const TINY: LlamaConfig = {
  hidden: 12, intermediate: 10, layers: 2, heads: 4, kvHeads: 2, headDim: 4, vocabulary: 9, positions: 16,
  ropeTheta: 100, ropeLayout: "half-split", normEpsilon: 1e-5, tied: false, beginOfText: undefined, endOfText: [],
};

/** Random weights, in the precision of the arrays that `make` gives. */
export function tinyModel<Data extends Reals>(make: (length: number) => Data, seed = 1, config = TINY): Llama<Data> {
  const random = uniform(seed);
  const numbers = (length: number, middle: number, spread: number): Data => {
    const data = make(length);
    for (let i = 0; i < length; i++) data[i] = Math.fround(middle + spread * (2 * random() - 1));
    return data;
  };
  const matrix = (outputs: number, inputs: number): Matrix<Data> => ({ data: numbers(outputs * inputs, 0, 1.5 / Math.sqrt(inputs)), outputs, inputs });
  const { hidden, intermediate, heads, kvHeads, headDim, vocabulary } = config;
  const gain = (): Data => numbers(hidden, 1, 0.3);
  return {
    config,
    embedding: matrix(vocabulary, hidden),
    layers: Array.from({ length: config.layers }, () => ({
      attentionNorm: gain(),
      query: matrix(heads * headDim, hidden),
      key: matrix(kvHeads * headDim, hidden),
      value: matrix(kvHeads * headDim, hidden),
      output: matrix(hidden, heads * headDim),
      feedForwardNorm: gain(),
      gate: matrix(intermediate, hidden),
      up: matrix(intermediate, hidden),
      down: matrix(hidden, intermediate),
    })),
    norm: gain(),
    head: matrix(vocabulary, hidden),
  };
}
