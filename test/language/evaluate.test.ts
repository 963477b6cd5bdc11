/** @file What running a kernel as TypeScript means: storage in, f64 between, sizes from the inputs. */

import { f16round } from "@petamoriken/float16";
import { describe, expect, test } from "vitest";
import { all, any, argmax, argmin, axis, clamp, encoded, evaluate, extent, f16, f32, groupOf, i32, kernel, max, min, sum, u32, uint, type TensorSpec } from "kvern";
import { packCodes } from "../../spec/tensor";

const row = axis("row"), column = axis("column");

/** What a kernel sees of `data` given as `spec`, a tensor over `column`. */
const seen = (spec: TensorSpec<readonly [typeof column]>, data: ArrayLike<number>): readonly number[] => {
  const copy = kernel({ x: spec }, f32(column), ({ x }) => x);
  return [...evaluate(copy, { x: { shape: [data.length], data: data as number[] } }).out.data];
};

describe("inputs are what their storage holds", () => {
  test("f32 and f16 round to the nearest number of their type", () => {
    const x = [0.1, -1 / 3, 1e-40, 65504, 2049];
    expect(seen(f32(column), x)).toEqual(x.map(Math.fround));
    expect(seen(f16(column), x)).toEqual(x.map((value) => f16round(value)));
  });

  test("f32 holds infinities", () => {
    expect(seen(f32(column), [-Infinity, Infinity])).toEqual([-Infinity, Infinity]);
  });

  test("integers come in any array of numbers", () => {
    for (const data of [[0, 7, 5], Uint8Array.of(0, 7, 5), Uint16Array.of(0, 7, 5), Float64Array.of(0, 7, 5)]) {
      expect(seen(uint(3)(column), data)).toEqual([0, 7, 5]);
      expect(seen(i32(column), data)).toEqual([0, 7, 5]);
    }
    expect(seen(i32(column), Int32Array.of(-(2 ** 31), 2 ** 31 - 1))).toEqual([-(2 ** 31), 2 ** 31 - 1]);
    expect(seen(u32(column), Uint32Array.of(0, 2 ** 32 - 1))).toEqual([0, 2 ** 32 - 1]);
  });

  test("packed integers of every width are their elements", () => {
    const copy = (bits: number) => kernel({ x: uint(bits)(row, column) }, f32(row, column), ({ x }) => x);
    for (let bits = 1; bits <= 16; bits++) {
      const codes = Array.from({ length: 3 * 37 }, (_, i) => (i * 40503) % 2 ** bits);
      const given = { shape: [3, 37], data: packCodes([3, 37], codes, bits) };
      expect([...evaluate(copy(bits), { x: given }).out.data]).toEqual(codes);
    }
  });

  test("encodings nest, each level with its name", () => {
    const sign = encoded([column], { bit: uint(1)(column) }, ({ bit }) => (c) => 1 - 2 * bit(c));
    const scaled = encoded([row, column], { sign, scale: f16(row) }, ({ sign, scale }) => (r, c) => scale(r) * sign(c));
    const copy = kernel({ x: scaled }, f32(row, column), ({ x }) => x);
    const { out } = evaluate(copy, { "x.sign.bit": { shape: [3], data: [0, 1, 0] }, "x.scale": { shape: [2], data: [2, 0.5] } });
    expect(out).toEqual({ shape: [2, 3], data: Float64Array.of(2, -2, 2, 0.5, -0.5, 0.5) });
  });
});

describe("outputs are what the body returned", () => {
  test("numbers are not rounded", () => {
    for (const spec of [f32(), f16()]) expect(evaluate(kernel({}, spec, () => () => 0.1), {}).out.data).toEqual(Float64Array.of(0.1));
  });

  test("integers saturate", () => {
    const big = (spec: TensorSpec<readonly []>, value: number) => evaluate(kernel({}, spec, () => () => value), {}).out.data[0];
    expect([big(uint(3)(), 8), big(uint(3)(), -1), big(uint(3)(), 5)]).toEqual([7, 0, 5]);
    expect([big(i32(), 2 ** 40), big(i32(), -(2 ** 40))]).toEqual([2 ** 31 - 1, -(2 ** 31)]);
    expect([big(u32(), 2 ** 40), big(u32(), -1)]).toEqual([2 ** 32 - 1, 0]);
  });

  test("several outputs, one of them called kind", () => {
    const k = kernel({ x: f32(column) }, { kind: f32(column), total: f32() }, ({ x }) => ({ kind: (c) => -x(c), total: () => sum(column, x) }));
    const { kind, total } = evaluate(k, { x: { shape: [2], data: [1, 2] } });
    expect([...kind.data, ...total.data]).toEqual([-1, -2, 3]);
  });

  test("elements come in row-major order, whatever the rank", () => {
    const axes = [axis("a", 2), axis("b", 1), axis("c", 3), axis("d", 2), axis("e", 2)] as const;
    const k = kernel({ x: f32(...axes) }, f32(...axes), ({ x }) => (a, b, c, d, e) => x(a, b, c, d, e) * 2);
    const data = Array.from({ length: 24 }, (_, i) => i);
    expect([...evaluate(k, { x: { shape: [2, 1, 3, 2, 2], data } }).out.data]).toEqual(data.map((x) => 2 * x));
  });

  test("an axis may stand twice in one tensor", () => {
    const transpose = kernel({ x: f32(row, row) }, f32(row, row), ({ x }) => (i, j) => x(j, i));
    expect([...evaluate(transpose, { x: { shape: [2, 2], data: [1, 2, 3, 4] } }).out.data]).toEqual([1, 3, 2, 4]);
  });
});

describe("sizes", () => {
  const counted = kernel({}, f32(row), () => (r) => r);

  test("an output axis that no input binds is set", () => {
    expect([...evaluate(counted, {}, { set: { row: 3 } }).out.data]).toEqual([0, 1, 2]);
    expect(evaluate(counted, {}, { set: { row: 0 } }).out).toEqual({ shape: [0], data: new Float64Array(0) });
  });

  test("an axis that only the body runs over may be set", () => {
    const k = kernel({}, f32(), () => () => sum(column, (c) => c));
    expect([...evaluate(k, {}, { set: { column: 4 } }).out.data]).toEqual([6]);
  });

  test("two axes of one name are one axis", () => {
    const k = kernel({ x: f32(column) }, f32(), ({ x }) => () => sum(axis("column"), (c) => x(c)));
    expect([...evaluate(k, { x: { shape: [3], data: [1, 2, 3] } }).out.data]).toEqual([6]);
  });

  test("a fixed size needs no binding", () => {
    expect(extent(axis("row", 7))).toBe(7);
    expect(sum(axis("row", 4), (i) => i)).toBe(6);
  });

  test("evaluations nest, and leave nothing behind", () => {
    const inner = kernel({ x: f32(column) }, f32(), ({ x }) => () => sum(column, x));
    const outer = kernel({ x: f32(column) }, f32(column), ({ x }) => (c) => {
      const { out } = evaluate(inner, { x: { shape: [2], data: [x(c), 1] } });
      return (out.data[0] ?? NaN) + extent(column);
    });
    expect([...evaluate(outer, { x: { shape: [3], data: [10, 20, 30] } }).out.data]).toEqual([14, 24, 34]);
    expect(() => extent(column)).toThrow("KV2101");
  });

  test("an evaluation that throws leaves nothing behind either", () => {
    const faulty = kernel({ x: f32(column) }, f32(), ({ x }) => () => x(9));
    const outer = kernel({ x: f32(column) }, f32(), () => () => {
      expect(() => evaluate(faulty, { x: { shape: [2], data: [1, 2] } })).toThrow("KV2001");
      return extent(column);
    });
    expect([...evaluate(outer, { x: { shape: [5], data: [1, 2, 3, 4, 5] } }).out.data]).toEqual([5]);
    expect(() => extent(column)).toThrow("KV2101");
  });
});

describe("reductions", () => {
  /** Every reduction of a row, truths as 1 and 0. */
  const reduced = (data: readonly number[]) => {
    const k = kernel(
      { x: f32(column) },
      { sum: f32(), max: f32(), min: f32(), argmax: u32(), argmin: u32(), any: u32(), all: u32() },
      ({ x }) => ({
        sum: () => sum(column, x),
        max: () => max(column, x),
        min: () => min(column, x),
        argmax: () => argmax(column, x),
        argmin: () => argmin(column, x),
        any: () => (any(column, (c) => x(c) > 0) ? 1 : 0),
        all: () => (all(column, (c) => x(c) > 0) ? 1 : 0),
      }),
    );
    const out = evaluate(k, { x: { shape: [data.length], data } });
    return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, data[0]]));
  };

  test("over an empty axis", () => {
    expect(reduced([])).toEqual({ sum: 0, max: -Infinity, min: Infinity, argmax: 0, argmin: 0, any: 0, all: 1 });
  });
  test("over one element", () => {
    expect(reduced([-3])).toEqual({ sum: -3, max: -3, min: -3, argmax: 0, argmin: 0, any: 0, all: 0 });
  });
  test("the first of equals wins", () => {
    expect(reduced([1, 4, -2, 4, -2])).toEqual({ sum: 5, max: 4, min: -2, argmax: 1, argmin: 2, any: 1, all: 0 });
  });
  test("infinities are ordinary extremes", () => {
    expect(reduced([-Infinity, -Infinity])).toMatchObject({ max: -Infinity, argmax: 0, argmin: 0 });
    expect(reduced([1, Infinity])).toMatchObject({ max: Infinity, argmax: 1, min: 1, all: 1 });
  });
});

describe("positions", () => {
  test("clamp gives the nearest position", () => {
    expect([-5, 0, 3, 4, 99].map((i) => clamp(i, axis("row", 4)))).toEqual([0, 0, 3, 3, 3]);
    expect(clamp(0, axis("row", 0))).toBe(-1);
  });
  test("groupOf divides positions evenly, in order", () => {
    expect([0, 1, 2, 3, 4, 5].map((h) => groupOf(h, axis("head", 6), axis("kvHead", 3)))).toEqual([0, 0, 1, 1, 2, 2]);
    expect([0, 1, 2, 3].map((h) => groupOf(h, axis("head", 4), axis("kvHead", 1)))).toEqual([0, 0, 0, 0]);
  });
});
