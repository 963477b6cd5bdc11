import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../examples/llama/config";
import { loadModel } from "../../examples/llama/load.node";
import { assembleModel } from "../../examples/llama/weights";
import { type FileTensor } from "kvern/runtime";
import { KvernError, type Diagnostic } from "../../spec/diagnostics/diagnostic";

const CONFIG = {
  model_type: "llama",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 16,
  tie_word_embeddings: true,
};

function faultOf(action: () => unknown): Diagnostic | undefined {
  try {
    action();
  } catch (fault) {
    if (fault instanceof KvernError) return fault.diagnostics[0];
    throw fault;
  }
  return undefined;
}

const refusedConfig = (change: object): Diagnostic | undefined => faultOf(() => parseConfig({ ...CONFIG, ...change }, "config.json"));

describe("a configuration", () => {
  it("gets Hugging Face's defaults for what it leaves out", () => {
    expect(parseConfig(CONFIG, "config.json")).toEqual({
      hidden: 8, intermediate: 12, layers: 1, heads: 4, kvHeads: 2, headDim: 2, vocabulary: 16, positions: 2048,
      ropeTheta: 10_000, ropeLayout: "half-split", normEpsilon: 1e-6, tied: true, beginOfText: undefined, endOfText: [],
    });
    expect(parseConfig({ ...CONFIG, num_key_value_heads: undefined }, "config.json").kvHeads).toBe(4);
  });

  it("may give its head dimension, theta in either place, and several ends of text", () => {
    const config = parseConfig({ ...CONFIG, head_dim: 6, rope_parameters: { rope_type: "default", rope_theta: 5e5 }, bos_token_id: 1, eos_token_id: [2, 3] }, "config.json");
    expect(config).toMatchObject({ headDim: 6, ropeTheta: 5e5, beginOfText: 1, endOfText: [2, 3] });
    expect(parseConfig({ ...CONFIG, rope_theta: 1e6 }, "config.json").ropeTheta).toBe(1e6);
  });

  it.each([
    ["rope_scaling", { type: "linear", factor: 2 }],
    ["sliding_window", 4096],
    ["attention_bias", true],
    ["mlp_bias", true],
    ["hidden_act", "gelu"],
    ["partial_rotary_factor", 0.5],
    ["quantization_config", { bits: 4 }],
    ["rope_parameters", { rope_type: "llama3", factor: 8 }],
  ])("that asks for %s is refused by that name", (field, value) => {
    const fault = refusedConfig({ [field]: value });
    expect(fault).toMatchObject({ code: "KV6003", file: "config.json" });
    expect(fault?.message).toContain(field);
  });

  it.each([
    ["hidden_size", undefined],
    ["hidden_size", "256"],
    ["vocab_size", 0],
    ["num_hidden_layers", 1.5],
    ["rms_norm_eps", -1],
    ["rope_theta", "10000"],
    ["eos_token_id", "</s>"],
    ["head_dim", 3],
    ["num_key_value_heads", 3],
    ["num_attention_heads", 6],
  ])("whose %s is %s is refused by that name", (field, value) => {
    const fault = refusedConfig({ [field]: value });
    expect(fault?.code).toBe("KV6002");
    expect(`${fault?.message} ${fault?.expected}`).toContain(field === "num_key_value_heads" ? "num_attention_heads" : field);
  });

  it("of another architecture, or that is no object, is refused", () => {
    expect(refusedConfig({ model_type: "gpt2" })).toMatchObject({ code: "KV6003", got: '"gpt2"' });
    expect(faultOf(() => parseConfig([], "config.json"))?.code).toBe("KV6002");
  });
});

describe("weights", () => {
  const config = parseConfig(CONFIG, "config.json");
  const shapes: Readonly<Record<string, readonly number[]>> = {
    "model.embed_tokens.weight": [16, 8],
    "model.layers.0.input_layernorm.weight": [8],
    "model.layers.0.self_attn.q_proj.weight": [8, 8],
    "model.layers.0.self_attn.k_proj.weight": [4, 8],
    "model.layers.0.self_attn.v_proj.weight": [4, 8],
    "model.layers.0.self_attn.o_proj.weight": [8, 8],
    "model.layers.0.post_attention_layernorm.weight": [8],
    "model.layers.0.mlp.gate_proj.weight": [12, 8],
    "model.layers.0.mlp.up_proj.weight": [12, 8],
    "model.layers.0.mlp.down_proj.weight": [8, 12],
    "model.norm.weight": [8],
  };
  const weight = (shape: readonly number[]) => ({ dtype: "F32" as const, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5) });
  const weights = Object.fromEntries(Object.entries(shapes).map(([name, shape]): [string, FileTensor] => [name, weight(shape)]));
  const refusedWeights = (change: Readonly<Record<string, FileTensor>>): Diagnostic | undefined =>
    faultOf(() => assembleModel(config, { ...weights, ...change }, "model.safetensors"));

  it("make a model whose output is the embedding when tied, and a matrix of its own when not", () => {
    const tied = assembleModel(config, weights, "model.safetensors");
    expect(tied.head).toBe(tied.embedding);
    const own = weight([16, 8]);
    const untied = assembleModel({ ...config, tied: false }, { ...weights, "lm_head.weight": own }, "model.safetensors");
    expect(untied.head.data).toBe(own.data);
  });

  it("may carry rotary frequencies and a second copy of the tied output", () => {
    expect(refusedWeights({ "model.layers.0.self_attn.rotary_emb.inv_freq": weight([1]), "lm_head.weight": weight([16, 8]) })).toBeUndefined();
  });

  it("are refused by name where one is missing, misshapen, mistyped, not finite or of no use", () => {
    for (const name of Object.keys(shapes)) {
      const { [name]: _, ...others } = weights;
      const fault = faultOf(() => assembleModel(config, others, "model.safetensors"));
      expect(fault).toMatchObject({ code: "KV6004", file: "model.safetensors", message: `there is no tensor ${name}` });
    }
    expect(refusedWeights({ "model.norm.weight": weight([9]) })).toMatchObject({ code: "KV6004", expected: "[8]", got: "[9]" });
    expect(refusedWeights({ "model.norm.weight": { dtype: "I8", shape: [8], data: new Int8Array(8) } })).toMatchObject({ code: "KV6004", got: "I8" });
    const holed = weight([8]);
    holed.data[3] = NaN;
    expect(refusedWeights({ "model.norm.weight": holed })).toMatchObject({ code: "KV6004", message: "element 3 of the tensor model.norm.weight is not finite" });
    const bias = refusedWeights({ "model.layers.0.self_attn.q_proj.bias": weight([8]) });
    expect(bias).toMatchObject({ code: "KV6003", got: "model.layers.0.self_attn.q_proj.bias" });
    expect(faultOf(() => assembleModel({ ...config, tied: false }, weights, "model.safetensors"))).toMatchObject({ code: "KV6004", message: "there is no tensor lm_head.weight" });
  });
});

describe("a model directory", () => {
  const refusedDirectory = async (files: Readonly<Record<string, string>>): Promise<Diagnostic | undefined> => {
    const directory = await mkdtemp(join(tmpdir(), "kvern-model-"));
    try {
      for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
      await loadModel(directory);
      return undefined;
    } catch (fault) {
      if (fault instanceof KvernError) return fault.diagnostics[0];
      throw fault;
    } finally {
      await rm(directory, { recursive: true });
    }
  };

  it("that is empty, or has no weights, is refused with the file it lacks", async () => {
    const empty = await refusedDirectory({});
    expect(empty?.code).toBe("KV6001");
    expect(empty?.file).toMatch(/config\.json$/);
    const bare = await refusedDirectory({ "config.json": JSON.stringify(CONFIG) });
    expect(bare?.code).toBe("KV6001");
    expect(bare?.file).toMatch(/model\.safetensors$/);
  });

  it("with sharded weights is refused as such", async () => {
    const fault = await refusedDirectory({ "config.json": JSON.stringify(CONFIG), "model.safetensors.index.json": "{}" });
    expect(fault).toMatchObject({ code: "KV6003", message: "the weights are spread over several files, which is not supported" });
  });

  it("whose configuration is not JSON is refused", async () => {
    expect((await refusedDirectory({ "config.json": "{" }))?.code).toBe("KV6002");
  });
});
