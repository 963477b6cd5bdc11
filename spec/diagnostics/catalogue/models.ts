import type { Entry } from "./entry";

/** KV60nn: model directories, their texts and their codebooks. */
export const MODELS = {
  KV6001: {
    title: "a model directory without a file it needs, or a text that is not there",
    example: "kvern demo --model ./empty",
    mend: "a directory with config.json, model.safetensors and tokenizer.json",
  },
  KV6002: {
    title: "a configuration field that is missing or not of its kind",
    example: '{ "model_type": "llama", "hidden_size": "256" }',
    mend: '{ "model_type": "llama", "hidden_size": 256, … }',
  },
  KV6003: {
    title: "a model that needs what the runner does not have",
    example: '{ "rope_scaling": { "type": "linear", "factor": 2 } }',
    mend: '{ "rope_scaling": null }',
  },
  KV6004: {
    title: "weights that do not fit the configuration",
    example: "no tensor model.norm.weight in model.safetensors",
    mend: "the weights that were saved with this config.json",
  },
  KV6005: {
    title: "tokens that the model cannot take",
    example: "a prompt of 600 tokens for a model of 512 positions",
    mend: "a prompt of at most 512 tokens",
  },
  KV6006: {
    title: "codebooks that do not fit the model",
    example: "codebooks of 2 layers for a model of 4",
    mend: "codebooks learned on this model: kvern demo --calibrate",
  },
  KV6007: {
    title: "fewer calibration vectors than centroids",
    example: "256 centroids from a text of 100 tokens",
    mend: "a longer text, or fewer bits",
  },
  KV6020: {
    title: "layers that the model does not have",
    example: "kvern calibrate MODEL --layers 2..7, for a model of 4 layers",
    mend: "kvern calibrate MODEL --layers 2..3",
  },
  KV6021: {
    title: "an interrupted calibration that asked for something else",
    example: "kvern calibrate MODEL --seed 2 --out books.safetensors, after it was interrupted with --seed 1",
    mend: "the same options once more, or another --out, or the journal removed: rm books.safetensors.journal",
  },
  KV6022: {
    title: "parts of codebooks that do not make a whole",
    example: "kvern calibrate --merge layers-0.safetensors layers-2.safetensors --out books.safetensors, of a model of 3 layers",
    mend: "all parts: kvern calibrate --merge layers-0.safetensors layers-1.safetensors layers-2.safetensors --out books.safetensors",
  },
  KV6023: {
    title: "a centroid that f16 cannot hold",
    example: "keys of magnitude 100000",
    mend: "a model whose keys and values stay below 65504",
  },
} as const satisfies Record<string, Entry>;
