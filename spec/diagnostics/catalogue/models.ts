import type { Entry } from "./entry";

/** KV60nn: model directories, their texts and their codebooks. */
export const MODELS = {
  KV6001: {
    title: "a model directory without a file it needs",
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
} as const satisfies Record<string, Entry>;
