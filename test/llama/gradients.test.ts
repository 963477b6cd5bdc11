/**
 * @file The backward pass against central differences, in f64. The difference at a step h is off by about h² times a
 * third derivative, so a right gradient is approached by a factor of 256 when h falls by 16, and a wrong one by none: what
 * is asked for is a factor of 16, half-way between the two orders, and no tolerance. Losses bend enough for the
 * differences to stay far above rounding.
 */

import { describe, expect, it } from "vitest";
import type { AttentionBackend } from "../../examples/llama/backend";
import { observe, takeContexts } from "../../examples/llama/calibration";
import { attentionGradient, inverseRotation } from "../../examples/llama/gradients/attention";
import { cacheGradients, transposes } from "../../examples/llama/gradients/backward";
import { fisherWeights } from "../../examples/llama/gradients/fisher";
import { forward } from "../../examples/llama/gradients/forward";
import { gatedGradient } from "../../examples/llama/gradients/gated";
import { lossGradient } from "../../examples/llama/gradients/loss";
import { rmsNormGradient } from "../../examples/llama/gradients/norm";
import { multiply } from "../../examples/llama/matrix";
import { gated, hiddenStates, logits, rmsNorm, type Llama } from "../../examples/llama/model";
import { causalAttention } from "../../examples/llama/plain/attention";
import { exactAttention } from "../../examples/llama/plain/exact";
import { rotate, rotaryTables } from "../../examples/llama/rotary";
import { uniform } from "../../runtime/codebook/random";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { TINY, tinyModel } from "./tiny";

const STEPS = [2 ** -5, 2 ** -9] as const;

/** The root of the summed squares of central differences of `loss` by the elements of `x`, less `gradient`. */
function distance(loss: () => number, x: Float64Array, gradient: Float64Array, step: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const middle = x[i] ?? NaN;
    x[i] = middle + step;
    const above = loss();
    x[i] = middle - step;
    const below = loss();
    x[i] = middle;
    sum += ((above - below) / (2 * step) - (gradient[i] ?? NaN)) ** 2;
  }
  return Math.sqrt(sum);
}

function expectGradient(loss: () => number, x: Float64Array, gradient: Float64Array): void {
  expect(gradient.length).toBe(x.length);
  const [far, near] = STEPS.map((step) => distance(loss, x, gradient, step)) as [number, number];
  expect(far).toBeGreaterThan(0);
  expect(near).toBeLessThan(far / 16);
}

const numbers = (length: number, seed: number): Float64Array => {
  const random = uniform(seed);
  return Float64Array.from({ length }, () => 2 * random() - 1);
};
/** Σ rᵢ·e^yᵢ, and its gradient by y. */
const bent = (y: Float64Array): number => y.reduce((sum, value, i) => sum + (1 + (i % 3)) * Math.exp(value), 0);
const bentGradient = (y: Float64Array): Float64Array => y.map((value, i) => (1 + (i % 3)) * Math.exp(value));

const text = [3, 1, 4, 1, 5] as const;
const targets = [1, 4, 1, 5, 8] as const;

function negativeLogLikelihood(model: Llama<Float64Array>, hidden: Float64Array): number {
  const scores = logits(model, hidden);
  const width = model.config.vocabulary;
  return targets.reduce((sum, target, row) => {
    const line = scores.subarray(row * width, (row + 1) * width);
    return sum + Math.log(line.reduce((total, value) => total + Math.exp(value), 0)) - (line[target] ?? NaN);
  }, 0);
}

describe("the gradient of each operator is what central differences approach", () => {
  it("RMS-norm", () => {
    const [x, gain] = [numbers(3 * 8, 1), numbers(8, 2)];
    const y = (): Float64Array => rmsNorm(x, gain, 0.1);
    expectGradient(() => bent(y()), x, rmsNormGradient(x, gain, 0.1, bentGradient(y())));
  });

  it("SwiGLU's product, by the gate and by what it lets through", () => {
    const [gate, up] = [numbers(20, 3), numbers(20, 4)];
    const y = (): Float64Array => gated(gate, up);
    const gradient = gatedGradient(gate, up, bentGradient(y()));
    expectGradient(() => bent(y()), gate, gradient.gate);
    expectGradient(() => bent(y()), up, gradient.up);
  });

  it("a product with a matrix, through its transpose", () => {
    const model = tinyModel((length) => new Float64Array(length));
    const x = numbers(3 * TINY.hidden, 5);
    const matrix = model.layers[0]?.gate ?? model.head;
    const back = transposes(model).layers[0]?.gate ?? model.head;
    const y = (): Float64Array => multiply(x, matrix);
    expectGradient(() => bent(y()), x, multiply(bentGradient(y()), back));
  });

  it.each(["half-split", "interleaved"] as const)("%s rotation, through the inverse rotation", (layout) => {
    const tables = rotaryTables(3, 6, 100, layout);
    const x = numbers(3 * 2 * 6, 6);
    const y = (): Float64Array => rotate(x, 2, tables, 0);
    expectGradient(() => bent(y()), x, rotate(bentGradient(y()), 2, inverseRotation(tables), 0));
  });

  it.each([[4, 2], [3, 1], [2, 2]])("causal attention of %i query heads over %i key/value heads, by queries, keys and values", (heads, kvHeads) => {
    const shape = { heads, kvHeads, headDim: 4 };
    const [queries, keys, values] = [numbers(5 * heads * 4, 7), numbers(5 * kvHeads * 4, 8), numbers(5 * kvHeads * 4, 9)];
    for (let i = 0; i < queries.length; i++) queries[i] = 3 * (queries[i] ?? 0);
    const y = (): Float64Array => causalAttention(queries, keys, values, shape, 0);
    const gradient = attentionGradient(queries, keys, values, shape, bentGradient(y()));
    expectGradient(() => bent(y()), queries, gradient.queries);
    expectGradient(() => bent(y()), keys, gradient.keys);
    expectGradient(() => bent(y()), values, gradient.values);
  });

  it("cross-entropy of the unembedding, over more rows than are held at a time", () => {
    const model = tinyModel((length) => new Float64Array(length));
    const hidden = numbers(text.length * TINY.hidden, 10);
    expectGradient(() => negativeLogLikelihood(model, hidden), hidden, lossGradient(model, transposes(model).head, hidden, targets));
    const many = numbers(70 * TINY.hidden, 11);
    const at = Array.from({ length: 70 }, (_, row) => row % TINY.vocabulary);
    const whole = lossGradient(model, transposes(model).head, many, at);
    const last = lossGradient(model, transposes(model).head, many.slice(69 * TINY.hidden), at.slice(69));
    expect(whole.slice(69 * TINY.hidden)).toEqual(last);
  });
});

describe("the gradient by a model's cache", () => {
  const model = tinyModel((length) => new Float64Array(length));
  const back = transposes(model);

  /**
   * A layer's keys are its normalised input times its key matrix, so the gradient by the matrix is Σ over tokens of the
   * gradient by the key times that input; more channels than tokens, and no error in a key's gradient can hide in it.
   */
  it.each([0, 1])("is what central differences by the projections of layer %i approach, through all that follows", (index) => {
    const { config } = model;
    const layer = model.layers[index] ?? expect.fail();
    const loss = (): number => negativeLogLikelihood(model, rmsNorm(forward(model, text).after, model.norm, config.normEpsilon));
    const tape = forward(model, text);
    const gradients = cacheGradients(model, back, tape, targets);
    const input = rmsNorm(tape.layers[index]?.before ?? expect.fail(), layer.attentionNorm, config.normEpsilon);
    expect(config.hidden).toBeGreaterThan(text.length);
    for (const [matrix, gradient] of [[layer.key, gradients[index]?.keys], [layer.value, gradients[index]?.values]] as const) {
      const byMatrix = new Float64Array(matrix.data.length);
      for (let at = 0; at < byMatrix.length; at++) {
        const [row, column] = [Math.floor(at / matrix.inputs), at % matrix.inputs];
        for (let token = 0; token < text.length; token++) byMatrix[at] = (byMatrix[at] ?? 0) + (gradient?.[token * matrix.outputs + row] ?? NaN) * (input[token * matrix.inputs + column] ?? NaN);
      }
      expectGradient(loss, matrix.data, byMatrix);
    }
  });

  it("of later layers does not need the earlier ones", () => {
    const tape = forward(model, text);
    const all = cacheGradients(model, back, tape, targets);
    expect(all.length).toBe(2);
    expect(cacheGradients(model, back, tape, targets, 1)).toEqual(all.slice(1));
  });
});

describe("Fisher weights", () => {
  it("are a group's squared gradients added up", () => {
    expect([...fisherWeights(Float32Array.from([1, 2, 3, 0, -1, 0.5, 0, 0]), 2)]).toEqual([5, 9, 1.25, 0]);
  });

  it("come with the keys and values of the layers asked for", () => {
    const model = tinyModel((length) => new Float32Array(length));
    const back = transposes(model);
    const context = [...text, 8];
    const [first, second] = observe(model, context, { from: 0, to: 1 }, { back, couple: 4 });
    const tape = forward(model, text);
    const gradients = cacheGradients(model, back, tape, context.slice(1));
    expect(second?.weights).toEqual({ keys: fisherWeights(gradients[1]?.keys ?? expect.fail(), 4), values: fisherWeights(gradients[1]?.values ?? expect.fail(), 4) });
    expect(first?.keys).toEqual(tape.layers[0]?.keys);
    expect(observe(model, context, { from: 1, to: 1 }, { back, couple: 4 })).toEqual([second]);
    expect(observe(model, context, { from: 0, to: 0 })).toEqual([{ keys: first?.keys, values: first?.values }]);
  });
});

describe("the contexts of a calibration", () => {
  it("are as many as give the vectors asked for, the last one cut", () => {
    const contexts = [[1, 2, 3], [4], [5, 6, 7, 8], [9, 10]];
    expect(takeContexts(contexts, 4)).toEqual([[1, 2, 3], [5, 6, 7]]);
    expect(takeContexts(contexts, 5)).toEqual([[1, 2, 3], [5, 6, 7, 8]]);
    expect(takeContexts(contexts, 100)).toEqual([[1, 2, 3], [5, 6, 7, 8], [9, 10]]);
  });
});

describe("the forward pass that keeps what gradients need", () => {
  const model = tinyModel((length) => new Float32Array(length));

  it("computes the runner's keys, values and hidden states, bit for bit", async () => {
    const exact = exactAttention(TINY);
    const seen: (readonly [Float32Array, Float32Array])[] = [];
    const recorder: AttentionBackend = {
      name: "recorder",
      reset: () => exact.reset(),
      attend: (layer, queries) => exact.attend(layer, queries),
      bytes: () => exact.bytes(),
      append: (layer, keys, values) => {
        seen[layer] = [keys.slice(), values.slice()];
        return exact.append(layer, keys, values);
      },
    };
    const hidden = await hiddenStates(model, recorder, text);
    const { layers, after } = forward(model, text);
    expect(layers.map(({ keys, values }) => [keys, values])).toEqual(seen);
    expect(rmsNorm(after, model.norm, TINY.normEpsilon)).toEqual(hidden);
  });

  it("stops after as many layers as asked for", () => {
    expect(forward(model, text, 1).layers).toEqual(forward(model, text).layers.slice(0, 1));
  });

  it("refuses a context longer than the model's, and an unknown token", () => {
    expect(() => forward(model, Array<number>(17).fill(0))).toThrow(KvernError);
    expect(() => forward(model, [9])).toThrow(/vocabulary/);
  });
});
