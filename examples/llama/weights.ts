/** @file From named tensors to a model: Hugging Face's names for Llama, every one of them required and checked. */

import type { FileTensor } from "kvern/runtime";
import { refuse } from "../../spec/diagnostics/diagnostic";
import type { LlamaConfig } from "./config";
import type { Matrix } from "./matrix";
import type { LayerWeights, Llama } from "./model";

/** The tensors of a checkpoint by name, as a safetensors file gives them. */
export type Weights = Readonly<Record<string, FileTensor>>;

/** Buffers that some checkpoints carry beside the weights; they follow from the configuration. */
const DERIVED = /\.rotary_emb\.inv_freq$/;

/**
 * Builds the model of `config` from its tensors.
 * @throws KvernError KV6004 for a missing, misshapen, mistyped or non-finite tensor, KV6003 for one the architecture has no use for
 */
export function assembleModel(config: LlamaConfig, weights: Weights, file: string): Llama {
  const unused = new Set(Object.keys(weights));
  const take = (name: string, shape: readonly number[]): Float32Array => {
    unused.delete(name);
    const weight = Object.hasOwn(weights, name) ? weights[name] : undefined;
    if (weight === undefined) return refuse({ code: "KV6004", file, message: `there is no tensor ${name}`, expected: `[${shape.join(", ")}]`, got: "nothing" });
    if (weight.shape.join() !== shape.join()) {
      refuse({ code: "KV6004", file, message: `the tensor ${name} does not fit the configuration`, expected: `[${shape.join(", ")}]`, got: `[${weight.shape.join(", ")}]` });
    }
    const { data, dtype } = weight;
    if (!(data instanceof Float32Array)) return refuse({ code: "KV6004", file, message: `the tensor ${name} is of a type that weights do not have`, expected: "F32, F16 or BF16", got: dtype });
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) refuse({ code: "KV6004", file, message: `element ${bad} of the tensor ${name} is not finite`, expected: "a finite number", got: String(data[bad]) });
    return data;
  };
  const matrix = (name: string, outputs: number, inputs: number): Matrix => ({ data: take(name, [outputs, inputs]), outputs, inputs });

  const { hidden, intermediate, heads, kvHeads, headDim, vocabulary } = config;
  const layer = (index: number): LayerWeights => {
    const at = `model.layers.${index}`;
    return {
      attentionNorm: take(`${at}.input_layernorm.weight`, [hidden]),
      query: matrix(`${at}.self_attn.q_proj.weight`, heads * headDim, hidden),
      key: matrix(`${at}.self_attn.k_proj.weight`, kvHeads * headDim, hidden),
      value: matrix(`${at}.self_attn.v_proj.weight`, kvHeads * headDim, hidden),
      output: matrix(`${at}.self_attn.o_proj.weight`, hidden, heads * headDim),
      feedForwardNorm: take(`${at}.post_attention_layernorm.weight`, [hidden]),
      gate: matrix(`${at}.mlp.gate_proj.weight`, intermediate, hidden),
      up: matrix(`${at}.mlp.up_proj.weight`, intermediate, hidden),
      down: matrix(`${at}.mlp.down_proj.weight`, hidden, intermediate),
    };
  };
  const embedding = matrix("model.embed_tokens.weight", vocabulary, hidden);
  // One by one: a configuration may claim any number, and the first that is not there is named.
  const layers: LayerWeights[] = [];
  while (layers.length < config.layers) layers.push(layer(layers.length));
  const norm = take("model.norm.weight", [hidden]);
  const head = config.tied ? embedding : matrix("lm_head.weight", vocabulary, hidden);
  // Some savers write the tied output projection a second time.
  if (config.tied) unused.delete("lm_head.weight");
  for (const name of unused) {
    if (!DERIVED.test(name)) refuse({ code: "KV6003", file, message: `the tensor ${name} is not part of the architecture config.json describes`, expected: "Llama's weights, without biases", got: name });
  }
  return { config, embedding, layers, norm, head };
}
