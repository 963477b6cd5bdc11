/**
 * @file A Llama model of which every operator is a compiled kernel: those of `examples/attention.ts` (or their interleaved
 * twins) and of `kernels/operators.ts`. What one kernel makes stays on the device for the next; logits alone come back.
 */

import { tensor, type Device, type DeviceTensor, type PreparedKernel, type RunInput } from "kvern/runtime";
import { refuse } from "../../../spec/diagnostics/diagnostic";
import type { CacheBytes } from "../backend";
import type { Codebooks } from "../codebooks";
import type { LlamaConfig } from "../config";
import type { Stored } from "../kernels/operators";
import type { LanguageModel } from "../language-model";
import { requireIds, type Llama } from "../model";
import { compiledAttention, type CompiledAttention, type Graphs } from "./attention";
import { output } from "./tensors";
import { GROUP, matrixInputs, uploadModel, type LayerTensors, type MatrixTensors, type ModelTensors } from "./weights";

/** The kernels of a model, as `compileFile` gives them. */
export interface ModelGraphs {
  /** Of `examples/attention.ts`, or of `kernels/interleaved.ts` where the model rotates so. */
  readonly attention: Graphs;
  /** Of `kernels/f32.ts`, `kernels/f16.ts` or `kernels/int8.ts`. */
  readonly operators: Graphs;
}

export interface CompiledOptions {
  /** How the graphs' operators store weights. */
  readonly stored: Stored;
  /** Of the cache's codes; it is at full precision without. */
  readonly codebooks?: Codebooks;
}

/** All of a model but its cache: several caches can share it. */
export interface CompiledBody {
  readonly config: LlamaConfig;
  readonly operators: Operators;
  readonly weights: ModelTensors;
  readonly epsilon: DeviceTensor;
  close(): void;
}

/** Bytes on the device. */
export interface ModelBytes {
  readonly weights: number;
  readonly cache: CacheBytes;
}

/** What a layer's attention was computed from and came to, while it is on the device. */
export type Witness = (layer: number, queries: DeviceTensor, result: DeviceTensor) => void;

/** One operator, for a step of decoding and for a prompt. */
interface Operator {
  readonly one: PreparedKernel;
  readonly many: PreparedKernel;
}

type OperatorName = "embedding" | "attentionInputs" | "attentionOutput" | "feedForward" | "down" | "newestLogits" | "allLogits";
export type Operators = Readonly<Record<OperatorName, Operator>>;

/**
 * Puts a model on a device.
 * @throws KvernError KV6003 for graphs without a kernel that is needed, KV6004 for weights that f16 cannot hold, KV6006 for
 * codebooks that do not fit; KV40nn for what the device cannot do
 */
export async function compiledModel(device: Device, model: Llama, graphs: ModelGraphs, { stored, codebooks }: CompiledOptions): Promise<CompiledModel> {
  const attention = await compiledAttention(device, model.config, graphs.attention, codebooks);
  try {
    return new CompiledModel(await compiledBody(device, model, graphs.operators, stored), attention);
  } catch (fault) {
    await attention.close();
    throw fault;
  }
}

/** Everything but attention and its cache. @throws as `compiledModel` */
export async function compiledBody(device: Device, model: Llama, graphs: Graphs, stored: Stored): Promise<CompiledBody> {
  const operators = await prepareOperators(device, model.config, graphs, stored);
  const epsilon = await device.upload({ kind: "f32" }, tensor([], Float32Array.of(model.config.normEpsilon)));
  const weights = await uploadModel(device, model, stored);
  const close = (): void => {
    weights.close();
    epsilon.destroy();
  };
  return { config: model.config, operators, weights, epsilon, close };
}

async function prepareOperators(device: Device, config: LlamaConfig, graphs: Graphs, stored: Stored): Promise<Operators> {
  const { hidden, intermediate, heads, kvHeads, headDim, vocabulary } = config;
  const sizes = { hidden, inner: intermediate, query: heads * headDim, keyValue: kvHeads * headDim, vocabulary };
  /** The sizes of these axes, and of the groups along the one that a matrix is multiplied over. */
  const set = (along: string, axes: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
    stored === "int8" ? { ...axes, [`${along}/${GROUP}`]: Math.ceil((axes[along] ?? 0) / GROUP) } : axes;
  const prepare = async (name: string, axes: Readonly<Record<string, number>>): Promise<Operator> => {
    if (!Object.hasOwn(graphs, name)) refuse({ code: "KV6003", message: `there is no kernel ${name}`, expected: Object.keys(graphs).join(", "), got: name });
    return { one: await device.prepare(graphs[name], { set: { ...axes, row: 1 } }), many: await device.prepare(graphs[name], { set: axes }) };
  };
  const { inner, query, keyValue } = sizes;
  return {
    embedding: await prepare("embedding", set("hidden", { hidden, vocabulary })),
    attentionInputs: await prepare("attentionInputs", set("hidden", { hidden, query, keyValue })),
    attentionOutput: await prepare("residual", set("input", { output: hidden, input: query })),
    feedForward: await prepare("feedForward", set("hidden", { hidden, inner })),
    down: await prepare("residual", set("input", { output: hidden, input: inner })),
    newestLogits: await prepare("newestLogits", set("hidden", { hidden, vocabulary })),
    allLogits: await prepare("allLogits", set("hidden", { hidden, vocabulary })),
  };
}

export class CompiledModel implements LanguageModel {
  #seen = 0;

  readonly config: LlamaConfig;

  constructor(
    private readonly body: CompiledBody,
    readonly attention: CompiledAttention,
  ) {
    this.config = body.config;
  }

  async reset(): Promise<void> {
    await this.attention.reset();
    this.#seen = 0;
  }

  async next(ids: readonly number[], witness?: Witness): Promise<Float32Array> {
    const x = await this.#feed(ids, witness);
    return this.#logits("newestLogits", x, ids.length);
  }

  async each(ids: readonly number[]): Promise<Float32Array> {
    const x = await this.#feed(ids);
    return this.#logits("allLogits", x, ids.length);
  }

  bytes(): ModelBytes {
    return { weights: this.body.weights.bytes, cache: this.attention.bytes() };
  }

  /** Gives back what it holds on the device, its body included. */
  async close(): Promise<void> {
    await this.attention.close();
    this.body.close();
  }

  /** The residual stream behind the last layer, [row, hidden]. */
  async #feed(ids: readonly number[], witness?: Witness): Promise<DeviceTensor> {
    requireIds(this.config, ids, this.#seen);
    const rows = ids.length;
    let x = await this.#run("embedding", rows, { ids: tensor([rows], Uint32Array.from(ids)), ...matrixInputs("table", this.body.weights.embedding) });
    for (const [index, layer] of this.body.weights.layers.entries()) {
      const attended = await this.#attend(index, layer, x, rows, witness);
      x = await this.#add("attentionOutput", x, attended, rows, layer.output);
      if (witness === undefined) attended.destroy();
      const gated = await this.#run("feedForward", rows, { x, ...this.#norm(layer.feedForwardNorm), ...matrixInputs("gate", layer.gate), ...matrixInputs("up", layer.up) });
      x = await this.#add("down", x, gated, rows, layer.down);
      gated.destroy();
    }
    this.#seen += rows;
    return x;
  }

  /** Attention of a layer, [row, head, channel] in whatever shape. */
  async #attend(index: number, layer: LayerTensors, x: DeviceTensor, rows: number, witness: Witness | undefined): Promise<DeviceTensor> {
    const { kvHeads, headDim } = this.config;
    const matrices = { ...matrixInputs("query", layer.query), ...matrixInputs("key", layer.key), ...matrixInputs("value", layer.value) };
    const outputs = await this.#operator("attentionInputs", rows).run({ x, ...this.#norm(layer.attentionNorm), ...matrices }, { device: true });
    const [queries, keys, values] = [output(outputs, "queries"), output(outputs, "keys"), output(outputs, "values")];
    const cached = [rows, kvHeads, headDim];
    await this.attention.appendTensors(index, keys.reshaped(cached), values.reshaped(cached));
    keys.destroy();
    values.destroy();
    const attended = await this.attention.attendTensors(index, rows, queries);
    if (witness === undefined) queries.destroy();
    else witness(index, queries, attended);
    return attended;
  }

  /** `x` plus the product of `y` with a matrix; gives `x` back. */
  async #add(name: "attentionOutput" | "down", x: DeviceTensor, y: DeviceTensor, rows: number, weight: MatrixTensors): Promise<DeviceTensor> {
    const { heads, headDim, intermediate } = this.config;
    const width = name === "down" ? intermediate : heads * headDim;
    const sum = await this.#run(name, rows, { x, y: y.reshaped([rows, width]), ...matrixInputs("weight", weight) });
    x.destroy();
    return sum;
  }

  async #logits(name: "newestLogits" | "allLogits", x: DeviceTensor, rows: number): Promise<Float32Array> {
    const inputs = { x, ...this.#norm(this.body.weights.norm), ...matrixInputs("head", this.body.weights.head) };
    const { data } = output(await this.#operator(name, rows).run(inputs));
    x.destroy();
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  #norm(gain: DeviceTensor): Readonly<Record<"gain" | "epsilon", RunInput>> {
    return { gain, epsilon: this.body.epsilon };
  }

  #operator(name: OperatorName, rows: number): PreparedKernel {
    const { one, many } = this.body.operators[name];
    return rows === 1 ? one : many;
  }

  async #run(name: OperatorName, rows: number, inputs: Readonly<Record<string, RunInput>>): Promise<DeviceTensor> {
    return output(await this.#operator(name, rows).run(inputs, { device: true }));
  }
}
