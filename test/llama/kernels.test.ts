import { evaluate, type TensorData } from "kvern";
import { describe, expect, it } from "vitest";
import * as kernels from "../../examples/attention";
import { attend } from "../../examples/decode";
import type { AttentionShape } from "../../examples/llama/backend";
import type { Codebooks } from "../../examples/llama/codebooks";
import { coupledAttention, decodeCodes } from "../../examples/llama/plain/coupled";
import { exactAttention } from "../../examples/llama/plain/exact";
import { rotaryTables } from "../../examples/llama/rotary";
import { uniform } from "../../runtime/codebook/random";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import { tensor } from "../../spec/tensor/tensor";

const SHAPE: AttentionShape = { layers: 1, heads: 4, kvHeads: 2, headDim: 16, positions: 32, ropeTheta: 10_000, ropeLayout: "half-split" };
const TOKENS = 7;
const QUERIES = 3;

const random = uniform(11);
const numbers = (...shape: number[]) => tensor(shape, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1));

const keys = numbers(TOKENS, SHAPE.kvHeads, SHAPE.headDim);
const values = numbers(TOKENS, SHAPE.kvHeads, SHAPE.headDim);
const queries = numbers(QUERIES, SHAPE.heads, SHAPE.headDim);
const newestQuery = tensor([SHAPE.heads, SHAPE.headDim], queries.data.subarray((QUERIES - 1) * SHAPE.heads * SHAPE.headDim));

const tables = rotaryTables(SHAPE.positions, SHAPE.headDim, SHAPE.ropeTheta, SHAPE.ropeLayout);
const turns = {
  cos: tensor([TOKENS, tables.half], tables.cos.subarray(0, TOKENS * tables.half)),
  sin: tensor([TOKENS, tables.half], tables.sin.subarray(0, TOKENS * tables.half)),
};

/**
 * How far plain loops may be from f64, per element of the result. They round rotated queries and keys, and the result,
 * to f32 (u = 2⁻²⁴): a score moves by δ ≤ 2.01 u ‖q‖ ‖k‖ / √headDim, hence every weight by a factor within e^±2δ, and
 * the result, which is a mean of values of at most 1, by e^2δ − 1 + u. Norms are at most √headDim here.
 */
const ROUNDING = 2 ** -24;
const BOUND = Math.exp(2 * 2.01 * ROUNDING * Math.sqrt(SHAPE.headDim)) - 1 + ROUNDING;

function expectClose(kernel: TensorData<Float64Array>, plain: Float32Array): void {
  expect(kernel.data.length).toBe(plain.length);
  const largest = kernel.data.reduce((worst, value, at) => Math.max(worst, Math.abs(value - (plain[at] ?? NaN))), 0);
  expect(largest).toBeLessThanOrEqual(BOUND);
}

describe("attention kernels, run as TypeScript, agree with plain loops", () => {
  it("at full precision, for one query and for several", async () => {
    const plain = exactAttention(SHAPE);
    await plain.append(0, keys.data, values.data);
    expectClose(evaluate(kernels.prefillExact, { q: queries, keys, values, ...turns }).out, await plain.attend(0, queries.data));
    expectClose(evaluate(kernels.decodeExact, { q: newestQuery, keys, values, ...turns }).out, await plain.attend(0, newestQuery.data));
  });

  type Coding = Readonly<Record<"x" | "book", TensorData>>;
  type Coded = Readonly<Record<"q" | "keys.codes" | "keys.book" | "values.codes" | "values.book" | "cos" | "sin", TensorData>>;
  const formats = [
    {
      couple: 2,
      encode: (inputs: Coding) => evaluate(kernels.encode2c8b, inputs).out,
      decode: (inputs: Coded) => evaluate(kernels.decode2c8b, inputs).out,
      prefill: (inputs: Coded) => evaluate(kernels.prefill2c8b, inputs).out,
    },
    {
      couple: 4,
      encode: (inputs: Coding) => evaluate(kernels.encode4c8b, inputs).out,
      decode: (inputs: Coded) => evaluate(kernels.decode4c8b, inputs).out,
      prefill: (inputs: Coded) => evaluate(kernels.prefill4c8b, inputs).out,
    },
    {
      couple: 8,
      encode: (inputs: Coding) => evaluate(kernels.encode8c8b, inputs).out,
      decode: (inputs: Coded) => evaluate(kernels.decode8c8b, inputs).out,
      prefill: (inputs: Coded) => evaluate(kernels.prefill8c8b, inputs).out,
    },
  ];

  it.each(formats)("over CQ-$couple c8b codes, for one query and for several", async ({ couple, encode, decode, prefill }) => {
    const book = () => {
      const { shape, data } = numbers(SHAPE.kvHeads, SHAPE.headDim / couple, 256, couple);
      return tensor(shape, fromHalves(toHalves(data)));
    };
    const books = { keys: book(), values: book() };
    const codebooks: Codebooks = { format: { couple, bits: 8 }, layers: [books] };
    const coded = {
      "keys.codes": encode({ x: keys, book: books.keys }),
      "keys.book": books.keys,
      "values.codes": encode({ x: values, book: books.values }),
      "values.book": books.values,
    };
    const plain = coupledAttention(SHAPE, codebooks);
    await plain.append(0, keys.data, values.data);
    expectClose(prefill({ q: queries, ...coded, ...turns }), await plain.attend(0, queries.data));
    expectClose(decode({ q: newestQuery, ...coded, ...turns }), await plain.attend(0, newestQuery.data));
  });
});

describe("the kernel of the README", () => {
  it("is grouped-query attention over the numbers that its codes stand for", () => {
    const book = numbers(SHAPE.kvHeads, SHAPE.headDim / 8, 256, 8);
    const halves = tensor(book.shape, fromHalves(toHalves(book.data)));
    const codes = () => tensor([TOKENS, SHAPE.kvHeads, SHAPE.headDim / 8], Uint8Array.from({ length: TOKENS * SHAPE.kvHeads * 2 }, () => Math.floor(256 * random())));
    const [keyCodes, valueCodes] = [codes(), codes()];
    const out = evaluate(attend, { q: newestQuery, "keys.codes": keyCodes, "keys.book": halves, "values.codes": valueCodes, "values.book": halves }).out;

    const [k, v] = [decodeCodes(keyCodes.data, halves), decodeCodes(valueCodes.data, halves)];
    const tokens = Array.from({ length: TOKENS }, (_, t) => t);
    for (let h = 0; h < SHAPE.heads; h++) {
      const row = (t: number): number => (t * SHAPE.kvHeads + Math.floor(h / 2)) * SHAPE.headDim;
      const exponentials = tokens.map((t) => {
        let score = 0;
        for (let c = 0; c < SHAPE.headDim; c++) score += (newestQuery.data[h * SHAPE.headDim + c] ?? NaN) * (k[row(t) + c] ?? NaN);
        return Math.exp(score / Math.sqrt(SHAPE.headDim));
      });
      const total = exponentials.reduce((a, b) => a + b, 0);
      for (let c = 0; c < SHAPE.headDim; c++) {
        const expected = tokens.reduce((sum, t) => sum + ((exponentials[t] ?? NaN) / total) * (v[row(t) + c] ?? NaN), 0);
        // Both in f64. Either score is within 18 · 2⁻⁵³ · 16 / 4 = 36 ε of the exact one, so they differ by 72 ε at most
        // and the weights by a factor within e^±144ε; values are at most 1, and the sums add less than 56 ε.
        expect(Math.abs((out.data[h * SHAPE.headDim + c] ?? NaN) - expected)).toBeLessThan(200 * Number.EPSILON);
      }
    }
  });
});
