/**
 * @file The forward pass of a Llama model around an attention backend: RMS-norm, projections, attention by the backend,
 * gated feed-forward, output projection (Touvron et al., 2023, in the layout of Hugging Face's checkpoints).
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { AttentionBackend } from "./backend";
import type { LlamaConfig } from "./config";
import { multiply, type Matrix } from "./matrix";
import { zeros, type Reals } from "./reals";

export interface LayerWeights<Data extends Reals = Float32Array> {
  readonly attentionNorm: Data;
  readonly query: Matrix<Data>;
  readonly key: Matrix<Data>;
  readonly value: Matrix<Data>;
  readonly output: Matrix<Data>;
  readonly feedForwardNorm: Data;
  readonly gate: Matrix<Data>;
  readonly up: Matrix<Data>;
  readonly down: Matrix<Data>;
}

export interface Llama<Data extends Reals = Float32Array> {
  readonly config: LlamaConfig;
  /** [token, hidden]. */
  readonly embedding: Matrix<Data>;
  readonly layers: readonly LayerWeights<Data>[];
  readonly norm: Data;
  /** [token, hidden]; the embedding itself where the weights are tied. */
  readonly head: Matrix<Data>;
}

/**
 * Feeds the next tokens of a context and returns their last hidden states, normalised: [token, hidden]. `position` is
 * how many tokens the backend has seen since its reset.
 * @throws KvernError KV6005 for an unknown token or a context longer than the model's
 */
export async function hiddenStates(model: Llama, backend: AttentionBackend, ids: readonly number[], position = 0): Promise<Float32Array> {
  const { config } = model;
  requireIds(config, ids, position);
  const x = embed(model, ids);
  for (const [index, layer] of model.layers.entries()) {
    const normed = rmsNorm(x, layer.attentionNorm, config.normEpsilon);
    await backend.append(index, multiply(normed, layer.key), multiply(normed, layer.value));
    const attended = await backend.attend(index, multiply(normed, layer.query));
    addTo(x, multiply(attended, layer.output));
    const inner = rmsNorm(x, layer.feedForwardNorm, config.normEpsilon);
    addTo(x, multiply(gated(multiply(inner, layer.gate), multiply(inner, layer.up)), layer.down));
  }
  return rmsNorm(x, model.norm, config.normEpsilon);
}

/** @throws KvernError KV6005 for an unknown token, or where a context of `position` tokens would become longer than the model's */
export function requireIds({ positions, vocabulary }: LlamaConfig, ids: readonly number[], position: number): void {
  if (position + ids.length > positions) {
    refuse({ code: "KV6005", message: "the context is too long", expected: `at most ${positions} tokens`, got: `${position + ids.length}` });
  }
  for (const [row, id] of ids.entries()) {
    if (Number.isInteger(id) && id >= 0 && id < vocabulary) continue;
    refuse({ code: "KV6005", message: `token ${row} of the context is not in the vocabulary`, expected: `an id from 0 to ${vocabulary - 1}`, got: `${id}` });
  }
}

/** The logits, [token, vocabulary], of hidden states, [token, hidden]. */
export function logits<Data extends Reals>(model: Llama<Data>, hidden: Data): Data {
  return multiply(hidden, model.head);
}

/**
 * The embeddings, [token, hidden], of ids.
 * @throws KvernError KV6005 for an unknown token
 */
export function embed<Data extends Reals>({ config, embedding }: Llama<Data>, ids: readonly number[]): Data {
  const x = zeros(embedding.data, ids.length * config.hidden);
  for (const [row, id] of ids.entries()) {
    x.set(embedding.data.subarray(id * config.hidden, (id + 1) * config.hidden), row * config.hidden);
  }
  return x;
}

/** x / √(mean(x²) + ε) · gain, over rows as long as `gain` (Zhang and Sennrich, 2019). */
export function rmsNorm<Data extends Reals>(x: Data, gain: Data, epsilon: number): Data {
  const width = gain.length;
  const y = zeros(x, x.length);
  for (let row = 0; row < x.length; row += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[row + i] ?? 0) ** 2;
    const scale = 1 / Math.sqrt(squares / width + epsilon);
    for (let i = 0; i < width; i++) y[row + i] = (x[row + i] ?? 0) * scale * (gain[i] ?? 0);
  }
  return y;
}

/** SwiGLU's product: silu(gate) · up, with silu(g) = g / (1 + e^−g). */
export function gated<Data extends Reals>(gate: Data, up: Data): Data {
  const y = zeros(gate, gate.length);
  for (let i = 0; i < gate.length; i++) {
    const g = gate[i] ?? 0;
    y[i] = (g / (1 + Math.exp(-g))) * (up[i] ?? 0);
  }
  return y;
}

/** Adds `more` to `x`, element by element. */
export function addTo(x: Reals, more: Reals): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] ?? 0) + (more[i] ?? 0);
}
