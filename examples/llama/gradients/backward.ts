/**
 * @file The backward pass: gradients of the loss by the keys (before rotation) and values of every layer, through
 * everything that follows them. Weights are constants: no gradient is taken by them.
 */

import type { Matrix } from "../matrix";
import { multiply } from "../matrix";
import { addTo, rmsNorm, type LayerWeights, type Llama } from "../model";
import { zeros, type Reals } from "../reals";
import { rotate } from "../rotary";
import { attentionGradient, inverseRotation } from "./attention";
import type { LayerTape, Tape } from "./forward";
import { gatedGradient } from "./gated";
import { lossGradient } from "./loss";
import { rmsNormGradient } from "./norm";

/** The matrices of a layer, transposed: what takes a gradient back through the products with them. */
type LayerTransposes<Data extends Reals> = Readonly<Record<"query" | "key" | "value" | "output" | "gate" | "up" | "down", Matrix<Data>>>;

/** The matrices of a model, transposed; as large as the model. */
export interface Transposes<Data extends Reals> {
  readonly layers: readonly LayerTransposes<Data>[];
  readonly head: Matrix<Data>;
}

/** The gradients by what one layer appends to the cache, both [token, kvHead, channel], keys before rotation. */
export interface CacheGradient<Data extends Reals> {
  readonly keys: Data;
  readonly values: Data;
}

export function transposes<Data extends Reals>(model: Llama<Data>): Transposes<Data> {
  return {
    head: transposed(model.head),
    layers: model.layers.map(({ query, key, value, output, gate, up, down }) => ({
      query: transposed(query),
      key: transposed(key),
      value: transposed(value),
      output: transposed(output),
      gate: transposed(gate),
      up: transposed(up),
      down: transposed(down),
    })),
  };
}

function transposed<Data extends Reals>({ data, outputs, inputs }: Matrix<Data>): Matrix<Data> {
  const turned = zeros(data, data.length);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) turned[input * outputs + output] = data[output * inputs + input] ?? 0;
  }
  return { data: turned, outputs: inputs, inputs: outputs };
}

/**
 * The gradients, by the cache entries of the layers from `first` on, of the negative log likelihood of `targets`, one for
 * each token of the context that `tape` is of, summed, in nats.
 */
export function cacheGradients<Data extends Reals>(model: Llama<Data>, back: Transposes<Data>, tape: Tape<Data>, targets: readonly number[], first = 0): readonly CacheGradient<Data>[] {
  const { normEpsilon } = model.config;
  const hidden = rmsNorm(tape.after, model.norm, normEpsilon);
  const gradients: CacheGradient<Data>[] = [];
  let dx = rmsNormGradient(tape.after, model.norm, normEpsilon, lossGradient(model, back.head, hidden, targets));
  for (let index = model.layers.length - 1; index >= first; index--) {
    const [layer, turned, taped] = [model.layers[index], back.layers[index], tape.layers[index]];
    if (layer === undefined || turned === undefined || taped === undefined) break;
    const { before, cache } = layerGradient(model, layer, turned, taped, tape, dx);
    gradients.unshift(cache);
    dx = before;
  }
  return gradients;
}

/** From the gradient `dx` by what a layer leaves in the residual stream to that by what it found there. Overwrites `dx`. */
function layerGradient<Data extends Reals>(
  { config }: Llama<Data>,
  layer: LayerWeights<Data>,
  back: LayerTransposes<Data>,
  taped: LayerTape<Data>,
  { tables }: Tape<Data>,
  dx: Data,
): { readonly before: Data; readonly cache: CacheGradient<Data> } {
  const { normEpsilon, heads, kvHeads } = config;
  const inner = gatedGradient(taped.gate, taped.up, multiply(dx, back.down));
  const dInner = multiply(inner.gate, back.gate);
  addTo(dInner, multiply(inner.up, back.up));
  addTo(dx, rmsNormGradient(taped.middle, layer.feedForwardNorm, normEpsilon, dInner));

  const attended = attentionGradient(taped.queries, taped.rotatedKeys, taped.values, config, multiply(dx, back.output));
  const inverse = inverseRotation(tables);
  const keys = rotate(attended.keys, kvHeads, inverse, 0);
  const dNormed = multiply(rotate(attended.queries, heads, inverse, 0), back.query);
  addTo(dNormed, multiply(keys, back.key));
  addTo(dNormed, multiply(attended.values, back.value));
  addTo(dx, rmsNormGradient(taped.before, layer.attentionNorm, normEpsilon, dNormed));
  return { before: dx, cache: { keys, values: attended.values } };
}
