import { fileURLToPath } from "node:url";
import { compileFile } from "kvern/compiler";
import { openDevice, tensor } from "kvern/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Graphs } from "../../examples/llama/compiled/attention";
import { compiledModel, type CompiledModel } from "../../examples/llama/compiled/model";
import { asStored, toInt8 } from "../../examples/llama/compiled/weights";
import { generate } from "../../examples/llama/generate";
import * as f16Operators from "../../examples/llama/kernels/f16";
import * as f32Operators from "../../examples/llama/kernels/f32";
import * as int8Operators from "../../examples/llama/kernels/int8";
import type { Stored } from "../../examples/llama/kernels/operators";
import { plainModel } from "../../examples/llama/language-model";
import type { Matrix } from "../../examples/llama/matrix";
import type { Llama } from "../../examples/llama/model";
import { exactAttention } from "../../examples/llama/plain/exact";
import { uniform } from "../../runtime/codebook/random";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import type { SerialisedGraph } from "../../spec/graph/json";
import type { TensorData } from "../../spec/tensor";
import { heldOnDevice, interpretedAndEvaluated, type Tensors } from "../agreement/agree";
import { describeOnDevice, device } from "../device/harness";
import { BEGINNING, hasStories, stories } from "./stories";
import { LOGIT_ACCURACY, contextsOf, expected, tales } from "./tales";
import { tinyModel } from "./tiny";

const entry = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
const graphsOf = async (name: string): Promise<Readonly<Record<string, SerialisedGraph>>> => (await compileFile(entry(name))).kernels;

const OPERATORS = { f32: f32Operators, f16: f16Operators, int8: int8Operators };


const random = uniform(5);
const numbers = (...shape: number[]): TensorData<Float32Array> => tensor(shape, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1));

/** A matrix of these sizes as the inputs of a kernel that calls it `name`. */
function matrix(stored: Stored, name: string, outputs: number, inputs: number): Tensors {
  const { data } = numbers(outputs, inputs);
  if (stored !== "int8") return { [`${name}.data`]: tensor([outputs, inputs], asStored({ data, outputs, inputs }, stored).data) };
  const { codes, scale } = toInt8({ data, outputs, inputs });
  return { [`${name}.codes`]: tensor([outputs, inputs], codes), [`${name}.scale`]: tensor([outputs, scale.length / outputs], scale) };
}

// Widths that groups of 32 do not divide, and fewer than one group.
const [HIDDEN, INNER, QUERY, KEYS, VOCABULARY] = [40, 36, 8, 4, 11];

describeOnDevice.each(["f32", "f16", "int8"] as const)("operators over weights in %s", (stored) => {
  let graphs: Readonly<Record<string, SerialisedGraph>>;
  beforeAll(async () => {
    graphs = await graphsOf(`llama/kernels/${stored}`);
  });

  const norm = (rows: number): Tensors => ({ x: numbers(rows, HIDDEN), gain: numbers(HIDDEN), epsilon: tensor([], Float32Array.of(1e-5)) });
  const cases: Readonly<Record<keyof typeof f32Operators, { readonly sizes: Readonly<Record<string, number>>; readonly along: "hidden" | "input"; readonly inputs: (rows: number) => Tensors }>> = {
    embedding: {
      sizes: { hidden: HIDDEN, vocabulary: VOCABULARY },
      along: "hidden",
      inputs: (rows) => ({ ids: tensor([rows], Uint32Array.from({ length: rows }, (_, row) => (row * 7) % VOCABULARY)), ...matrix(stored, "table", VOCABULARY, HIDDEN) }),
    },
    attentionInputs: {
      sizes: { hidden: HIDDEN, query: QUERY, keyValue: KEYS },
      along: "hidden",
      inputs: (rows) => ({ ...norm(rows), ...matrix(stored, "query", QUERY, HIDDEN), ...matrix(stored, "key", KEYS, HIDDEN), ...matrix(stored, "value", KEYS, HIDDEN) }),
    },
    residual: {
      sizes: { output: HIDDEN, input: INNER },
      along: "input",
      inputs: (rows) => ({ x: numbers(rows, HIDDEN), y: numbers(rows, INNER), ...matrix(stored, "weight", HIDDEN, INNER) }),
    },
    feedForward: {
      sizes: { hidden: HIDDEN, inner: INNER },
      along: "hidden",
      inputs: (rows) => ({ ...norm(rows), ...matrix(stored, "gate", INNER, HIDDEN), ...matrix(stored, "up", INNER, HIDDEN) }),
    },
    newestLogits: { sizes: { hidden: HIDDEN, vocabulary: VOCABULARY }, along: "hidden", inputs: (rows) => ({ ...norm(rows), ...matrix(stored, "head", VOCABULARY, HIDDEN) }) },
    allLogits: { sizes: { hidden: HIDDEN, vocabulary: VOCABULARY }, along: "hidden", inputs: (rows) => ({ ...norm(rows), ...matrix(stored, "head", VOCABULARY, HIDDEN) }) },
  };

  it.each(Object.keys(cases) as (keyof typeof cases)[])("%s is within its bound of the interpreter, for a token and for several", async (name) => {
    const { sizes, along, inputs } = cases[name];
    const graph = graphs[name];
    if (graph === undefined) throw new Error(`there is no kernel ${name}`);
    const groups = stored === "int8" ? { [`${along}/32`]: Math.ceil((sizes[along] ?? 0) / 32) } : {};
    for (const rows of [1, 3]) {
      const given = inputs(rows);
      const reference = interpretedAndEvaluated(OPERATORS[stored][name], graph, given);
      const compared = await heldOnDevice(graph, given, {}, { ...sizes, ...groups, row: rows }, reference);
      expect(compared.elements).toBeGreaterThan(0);
      expect(compared.unbounded).toBe(0);
    }
  });
});

/** The largest distance of any element. */
const apart = (one: Float32Array, other: Float32Array): number => one.reduce((most, value, at) => Math.max(most, Math.abs(value - (other[at] ?? NaN))), 0);

/** The model with its matrices as they come back from storage. */
function stored(model: Llama, as: Stored): Llama {
  const matrixOf = (of: Matrix): Matrix => asStored(of, as);
  const embedding = matrixOf(model.embedding);
  const layers = model.layers.map((layer) => ({
    ...layer,
    query: matrixOf(layer.query), key: matrixOf(layer.key), value: matrixOf(layer.value), output: matrixOf(layer.output),
    gate: matrixOf(layer.gate), up: matrixOf(layer.up), down: matrixOf(layer.down),
  }));
  return { ...model, embedding, layers, head: model.head === model.embedding ? embedding : matrixOf(model.head) };
}

describeOnDevice("a model in compiled kernels only", () => {
  const attention: Record<string, Graphs> = {};
  beforeAll(async () => {
    attention["half-split"] = await graphsOf("attention");
    attention["interleaved"] = await graphsOf("llama/kernels/interleaved");
  });

  const opened: CompiledModel[] = [];
  afterAll(() => Promise.all(opened.map((model) => model.close())));
  const compiled = async (model: Llama, as: Stored): Promise<CompiledModel> => {
    const graphs = { attention: attention[model.config.ropeLayout] ?? {}, operators: await graphsOf(`llama/kernels/${as}`) };
    const made = await compiledModel(device(), model, graphs, { stored: as });
    opened.push(made);
    return made;
  };

  it.each([["f32", "half-split"], ["f16", "interleaved"], ["int8", "half-split"]] as const)("computes what plain loops do of %s weights and %s rotation, in one go and token by token", async (as, ropeLayout) => {
    const tiny = tinyModel((length) => new Float32Array(length));
    const model: Llama = { ...tiny, config: { ...tiny.config, ropeLayout } };
    const plain = plainModel(stored(model, as), exactAttention(model.config));
    const ids = [3, 1, 4, 1, 5, 8];
    const wanted = await plain.each(ids);
    const whole = await compiled(model, as);
    expect(apart(await whole.each(ids), wanted)).toBeLessThan(LOGIT_ACCURACY);
    await whole.reset();
    const { vocabulary } = model.config;
    for (const [at, id] of ids.entries()) expect(apart(await whole.next([id]), wanted.subarray(at * vocabulary, (at + 1) * vocabulary))).toBeLessThan(LOGIT_ACCURACY);
    expect(whole.bytes().cache.tail).toBe(ids.length * 2 * model.config.layers * model.config.kvHeads * model.config.headDim * 4);
  });

  it("writes and predicts what an independent implementation does", async () => {
    const { model } = await tales();
    const made = await compiled(model, "f32");
    const { promptIds, first40 } = expected.greedy[0] ?? { promptIds: [], first40: [] };
    expect(await generate(made, promptIds, { count: 20 })).toEqual(first40.slice(0, 20));
    const [heldout = []] = await contextsOf("heldout.txt");
    for (const [name, ids] of [["first", [0]], ["last", heldout.slice(0, 64)]] as const) {
      await made.reset();
      const logits = await made.next(ids);
      for (const [id, logit] of expected.logits[name].first8.entries()) expect(Math.abs((logits[id] ?? NaN) - logit)).toBeLessThan(LOGIT_ACCURACY);
    }
  });

  it("takes half of the weights' bytes in f16, and little more than a quarter in 8-bit groups", async () => {
    const { model } = await tales();
    const [full, half, int8] = [await compiled(model, "f32"), await compiled(model, "f16"), await compiled(model, "int8")];
    const gains = 4 * (2 * model.config.layers + 1) * model.config.hidden;
    const matrices = full.bytes().weights - gains;
    expect(half.bytes().weights - gains).toBe(matrices / 2);
    // A scale of two bytes for every 32.
    expect(int8.bytes().weights - gains).toBe(matrices / 4 + matrices / 64);
  });

  it("refuses tokens it does not have, contexts that are too long, and weights that f16 cannot hold", async () => {
    const tiny = tinyModel((length) => new Float32Array(length));
    const made = await compiled(tiny, "f32");
    const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (fault: unknown) => (fault instanceof KvernError ? fault.diagnostics[0]?.code : fault));
    expect(await codeOf(made.next([9]))).toBe("KV6005");
    expect(await codeOf(made.next(new Array<number>(17).fill(1)))).toBe("KV6005");
    const large = { ...tiny, embedding: { ...tiny.embedding, data: tiny.embedding.data.map(() => 1e6) } };
    expect(await codeOf(compiled(large, "f16"))).toBe("KV6004");
  });

  it.skipIf(!hasStories)("writes what the publisher of an interleaved model wrote", async () => {
    const { model, tokenizer } = await stories();
    const ids = await generate(await compiled(model, "f32"), [1], { count: 24 });
    expect(ids.length).toBe(24);
    expect(BEGINNING.startsWith(tokenizer.decode([1, ...ids]))).toBe(true);
  });
});

describe("a model in the interpreter", () => {
  it("computes what plain loops do", async () => {
    const tiny = tinyModel((length) => new Float32Array(length));
    const interpreter = await openDevice({ backend: "interpreter" });
    const made = await compiledModel(interpreter, tiny, { attention: await graphsOf("attention"), operators: await graphsOf("llama/kernels/int8") }, { stored: "int8" });
    const plain = plainModel(stored(tiny, "int8"), exactAttention(tiny.config));
    expect(apart(await made.each([1, 2, 3]), await plain.each([1, 2, 3]))).toBeLessThan(LOGIT_ACCURACY);
    await made.close();
    await interpreter.close();
  });
});
