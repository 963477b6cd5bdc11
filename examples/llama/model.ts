/**
 * @file The forward pass of a Llama model around an attention backend: RMS-norm, projections, attention by the backend,
 * gated feed-forward, output projection (Touvron et al., 2023, in the layout of Hugging Face's checkpoints).
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { AttentionBackend } from "./backend";
import type { LlamaConfig } from "./config";
import { multiply, type Matrix } from "./matrix";

export interface LayerWeights {
  readonly attentionNorm: Float32Array;
  readonly query: Matrix;
  readonly key: Matrix;
  readonly value: Matrix;
  readonly output: Matrix;
  readonly feedForwardNorm: Float32Array;
  readonly gate: Matrix;
  readonly up: Matrix;
  readonly down: Matrix;
}

export interface Llama {
  readonly config: LlamaConfig;
  /** [token, hidden]. */
  readonly embedding: Matrix;
  readonly layers: readonly LayerWeights[];
  readonly norm: Float32Array;
  /** [token, hidden]; the embedding itself where the weights are tied. */
  readonly head: Matrix;
}

/**
 * Feeds the next tokens of a context and returns their last hidden states, normalised: [token, hidden]. `position` is
 * how many tokens the backend has seen since its reset.
 * @throws KvernError KV6005 for an unknown token or a context longer than the model's
 */
export async function hiddenStates(model: Llama, backend: AttentionBackend, ids: readonly number[], position = 0): Promise<Float32Array> {
  const { config } = model;
  if (position + ids.length > config.positions) {
    refuse({ code: "KV6005", message: "the context is too long", expected: `at most ${config.positions} tokens`, got: `${position + ids.length}` });
  }
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

/** The logits, [token, vocabulary], of hidden states, [token, hidden]. */
export function logits(model: Llama, hidden: Float32Array): Float32Array {
  return multiply(hidden, model.head);
}

function embed({ config, embedding }: Llama, ids: readonly number[]): Float32Array {
  const x = new Float32Array(ids.length * config.hidden);
  for (const [row, id] of ids.entries()) {
    if (!Number.isInteger(id) || id < 0 || id >= config.vocabulary) {
      refuse({ code: "KV6005", message: `token ${row} of the context is not in the vocabulary`, expected: `an id from 0 to ${config.vocabulary - 1}`, got: `${id}` });
    }
    x.set(embedding.data.subarray(id * config.hidden, (id + 1) * config.hidden), row * config.hidden);
  }
  return x;
}

/** x / √(mean(x²) + ε) · gain, over rows as long as `gain` (Zhang and Sennrich, 2019). */
function rmsNorm(x: Float32Array, gain: Float32Array, epsilon: number): Float32Array {
  const width = gain.length;
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[row + i] ?? 0) ** 2;
    const scale = 1 / Math.sqrt(squares / width + epsilon);
    for (let i = 0; i < width; i++) y[row + i] = (x[row + i] ?? 0) * scale * (gain[i] ?? 0);
  }
  return y;
}

/** SwiGLU's product: silu(gate) · up, with silu(g) = g / (1 + e^−g). Overwrites and returns `gate`. */
function gated(gate: Float32Array, up: Float32Array): Float32Array {
  for (let i = 0; i < gate.length; i++) {
    const g = gate[i] ?? 0;
    gate[i] = (g / (1 + Math.exp(-g))) * (up[i] ?? 0);
  }
  return gate;
}

function addTo(x: Float32Array, more: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] ?? 0) + (more[i] ?? 0);
}
