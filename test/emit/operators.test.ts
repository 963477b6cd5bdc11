/** @file Every operator and function on the device, at the places where they are known to go wrong. */

import { expect, test } from "vitest";
import { UNARY_FUNCTIONS, type Element, type Value } from "../../spec/graph/node";
import type { TensorData } from "../../spec/tensor";
import { describeOnDevice } from "../device/harness";
import { agree } from "./agreement";
import { draw, f32, i32, integers, reals, tensorOf, u32, uint, type Draft } from "./programs";

/** `f` of one input, element by element. */
const map = (element: Element, output: Element, f: (draft: Draft, x: Value) => Value): ReturnType<typeof draw> => {
  const x = tensorOf("x", element, "n");
  return draw([x], [[tensorOf("out", output, "n"), (draft, n) => f(draft, draft.load(x, n))]]);
};
const data = (...values: number[]): TensorData => ({ shape: [values.length], data: values });
const within = (low: number, high: number): number[] => Array.from({ length: 97 }, (_, at) => low + ((high - low) * at) / 96);

const DOMAIN: Partial<Record<string, readonly [number, number]>> = {
  log: [0.01, 100], log2: [0.01, 100], log10: [0.01, 100], log1p: [-0.99, 10], acosh: [1, 50], atanh: [-0.99, 0.99], asin: [-1, 1], acos: [-1, 1],
  sqrt: [0, 100], exp: [-80, 80], expm1: [-5, 5], sinh: [-10, 10], cosh: [-10, 10], tan: [-1.5, 1.5], sin: [-3.1, 3.1], cos: [-3.1, 3.1],
};

describeOnDevice("functions", () => {
  test.each(UNARY_FUNCTIONS)("Math.%s", async (fn) => {
    const [low, high] = DOMAIN[fn] ?? [-20, 20];
    const { compared } = await agree(map(f32, f32, ({ b }, x) => b.apply(fn, [x])), { x: data(...within(low, high), 0.5, low < 0 ? -0.5 : 0.5, low < 0 ? -2.5 : 1) });
    expect(compared).toBeGreaterThan(50);
  });

  test("the small arguments of expm1 and log1p", async () => {
    const small = within(-0.34, 0.34).concat(within(-1e-5, 1e-5));
    await agree(map(f32, f32, ({ b }, x) => b.apply("expm1", [x])), { x: data(...small) });
    await agree(map(f32, f32, ({ b }, x) => b.apply("log1p", [x])), { x: data(...small) });
  });

  test("halves round up", async () => {
    const { outputs } = await agree(map(f32, f32, ({ b }, x) => b.apply("round", [x])), { x: data(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 8388609, 0.49999997) });
    expect([...(outputs["out"]?.data ?? [])].map((x) => x + 0)).toEqual([-2, -1, 0, 1, 2, 3, 8388609, 0]);
  });

  test("tanh far out", async () => {
    const { outputs } = await agree(map(f32, f32, ({ b }, x) => b.apply("tanh", [x])), { x: data(-1e30, -100, 100, 1e30) });
    expect([...(outputs["out"]?.data ?? [])]).toEqual([-1, -1, 1, 1]);
  });

  test("logarithms of zero", async () => {
    for (const fn of ["log", "log2", "log10"] as const) {
      const { outputs } = await agree(map(f32, f32, ({ b }, x) => b.apply(fn, [b.apply("abs", [x])])), { x: data(0, 1) });
      expect(outputs["out"]?.data[0]).toBe(-Infinity);
    }
  });

  test("powers", async () => {
    const x = tensorOf("x", f32, "n");
    const y = tensorOf("y", f32, "n");
    const pow = draw([x, y], [[tensorOf("out", f32, "n"), ({ b, load }, n) => b.power(load(x, n), load(y, n))]]);
    const { outputs } = await agree(pow, { x: data(2, 2, 4, 0, -2, -2, 0, 3), y: data(3, -1, 0.5, 2, 3, 2, 0, 0) });
    expect(outputs["out"]?.data[6]).toBe(1);
    for (const exponent of [2, 3, 4, 7, -1, -2]) await agree(map(f32, f32, ({ b }, v) => b.power(v, b.constant(exponent))), { x: data(0.5, -1.5, 2, 3) });
    for (const exponent of [0.5, -0.5, 1.5, 0.3, -1.7]) await agree(map(f32, f32, ({ b }, v) => b.power(b.apply("abs", [v]), b.constant(exponent))), { x: data(0.5, -1.5, 2, 3) });
    const atan = draw([x, y], [[tensorOf("out", f32, "n"), ({ b, load }, n) => b.apply("atan2", [load(y, n), load(x, n)])]]);
    await agree(atan, { x: data(1, -1, 0, 0, -2, 0), y: data(1, 1, 1, -1, 0, 0) });
  });
});

describeOnDevice("integers", () => {
  const n = (...divisors: number[]): number[] => divisors;
  test.each(n(1, 2, 3, 7, 8, 32))("remainders and quotients of negative numbers by %i", async (divisor) => {
    const x = integers([200], -100, 100, divisor);
    await agree(map(i32, i32, ({ b }, v) => b.remainder(v, b.constant(divisor))), { x });
    await agree(map(i32, i32, ({ b }, v) => b.remainder(v, b.constant(-divisor))), { x });
    await agree(map(i32, i32, ({ b }, v) => b.quotient(v, b.constant(divisor))), { x });
    await agree(map(i32, i32, ({ b }, v) => b.floor(b.divide(v, b.constant(divisor)))), { x });
  });

  test("remainders of reals have the sign of the dividend", async () => {
    await agree(map(f32, f32, ({ b }, v) => b.remainder(v, b.constant(2.5))), { x: data(-7, -2.6, -1, 0.3, 4, 7.25) });
  });

  test("the bitwise operators", async () => {
    const x = tensorOf("x", i32, "n");
    const y = tensorOf("y", u32, "n");
    const inputs = { x: data(-1, 5, -(2 ** 31), 2 ** 31 - 1, 12345, -99), y: data(2 ** 32 - 1, 3, 2 ** 31, 0, 77, 4000000000) };
    for (const op of ["&", "|", "^"] as const) await agree(draw([x, y], [[tensorOf("out", i32, "n"), ({ b, load }, k) => b.bitwise(op, load(x, k), load(y, k))]]), inputs);
    for (const op of ["<<", ">>", ">>>"] as const) {
      for (const distance of [0, 1, 31]) await agree(map(i32, op === ">>>" ? u32 : i32, ({ b }, v) => b.bitwise(op, v, b.constant(distance))), { x: inputs.x });
      await agree(draw([x, y], [[tensorOf("out", op === ">>>" ? u32 : i32, "n"), ({ b, load }, k) => b.bitwise(op, load(x, k), b.bitwise("&", load(y, k), b.constant(31)))]]), inputs);
    }
  });

  test("positions that leave i32 on the way saturate, and are clamped", async () => {
    const at = tensorOf("at", i32, "n");
    const table = tensorOf("table", f32, "code");
    const graph = draw([at, table], [[tensorOf("out", f32, "n"), ({ b, load, extent }, k) => load(table, b.clamp(b.linear(5, [[3, load(at, k)]]), extent("code")))]]);
    const { outputs } = await agree(graph, { at: data(2 ** 31 - 1, -(2 ** 31), 0, -1, 20000001, 1), table: reals([9], 4) });
    const row = reals([9], 4).data;
    expect([...(outputs["out"]?.data ?? [])]).toEqual([row[8], row[0], row[5], row[2], row[8], row[8]]);
  });

  test("comparisons of i32 with u32", async () => {
    const x = tensorOf("x", i32, "n");
    const y = tensorOf("y", u32, "n");
    const inputs = { x: data(-1, 5, -5, 2147483647, 0), y: data(4294967295, 5, 4294967291, 2147483647, 2147483648) };
    for (const compare of ["less", "equal"] as const) {
      const { outputs } = await agree(draw([x, y], [[tensorOf("out", uint(1), "n"), ({ b, load }, k) => b.select(b[compare](load(x, k), load(y, k)), b.one, b.zero)]]), inputs);
      expect([...(outputs["out"]?.data ?? [])]).toEqual(compare === "less" ? [1, 0, 1, 0, 1] : [0, 1, 0, 1, 0]);
    }
  });

  test("integer outputs saturate", async () => {
    await agree(map(i32, uint(4), ({ b }, v) => b.scale(3, v)), { x: data(-5, 0, 4, 5, 6, 1000) });
    await agree(map(u32, i32, (_, v) => v), { x: data(0, 7, 4294967295) });
    await agree(map(i32, u32, (_, v) => v), { x: data(0, 7, -7) });
  });

  test("sums of integers are exact where they fit", async () => {
    const codes = tensorOf("codes", uint(16), "row", "column");
    const graph = draw([codes], [[tensorOf("out", i32, "row"), ({ sum, load }, r) => sum("column", (c) => load(codes, r, c))]], { column: 5000 });
    const inputs = { codes: integers([2, 5000], 60000, 65535) };
    const { outputs } = await agree(graph, inputs);
    expect(outputs["out"]?.data[0]).toBe(inputs.codes.data.slice(0, 5000).reduce((a, b) => a + b, 0));
  });

  test("the first of equal integers, also of the least there are", async () => {
    const x = tensorOf("x", i32, "row", "column");
    const graph = draw([x], [
      [tensorOf("most", u32, "row"), ({ reduce, load }, r) => reduce("argmax", "column", (c) => load(x, r, c))],
      [tensorOf("least", u32, "row"), ({ reduce, load }, r) => reduce("argmin", "column", (c) => load(x, r, c))],
    ]);
    const low = -(2 ** 31);
    await agree(graph, { x: { shape: [3, 3], data: [low, low, low, 1, 5, 5, 7, -3, -3] } });
  });
});

describeOnDevice("infinities", () => {
  const x = tensorOf("x", f32, "row", "column");
  /** A softmax under a guard that may leave a row without anything live. */
  const guarded = draw([x], [[tensorOf("out", f32, "row", "column"), ({ b, load, reduce, sum }, r, c) => {
    const row = r;
    const score = (k: Value): Value => b.select(b.less(k, b.scale(2, row)), load(x, row, k), b.constant(-Infinity));
    const peak = reduce("max", "column", score);
    const shift = b.select(b.equal(peak, b.constant(-Infinity)), b.zero, peak);
    const power = (k: Value): Value => b.apply("exp", [b.subtract(score(k), shift)]);
    const total = sum("column", power);
    return b.divide(power(c), b.select(b.equal(total, b.zero), b.one, total));
  }]]);
  test("fully guarded rows", async () => {
    const { outputs } = await agree(guarded, { x: reals([4, 5], 2, 50) });
    expect([...(outputs["out"]?.data ?? [])].slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    await agree(guarded, { x: reals([4, 5], 2, 800) });
  });

  test("sums and products of what may be −∞", async () => {
    const graph = draw([x], [
      [tensorOf("peak", f32, "row"), ({ b, load, reduce }, r) => b.linear(3, [[-2, reduce("max", "column", (k) => b.select(b.less(k, r), load(x, r, k), b.constant(-Infinity)))]])],
      [tensorOf("scaled", f32, "row"), ({ b, load, reduce }, r) => b.multiply(load(x, r, b.zero), reduce("max", "column", (k) => b.select(b.less(k, r), load(x, r, k), b.constant(-Infinity))))],
      [tensorOf("total", f32, "row"), ({ b, load, sum }, r) => sum("column", (k) => b.apply("log", [b.larger(b.zero, b.add(load(x, r, k), b.linear(0.5, [[0, k]])))]))],
      [tensorOf("power", f32, "row"), ({ b, load, reduce }, r) => b.apply("exp", [reduce("max", "column", (k) => b.select(b.less(k, r), load(x, r, k), b.constant(-Infinity)))])],
    ]);
    const { outputs } = await agree(graph, { x: reals([4, 5], 7) });
    expect(outputs["peak"]?.data[0]).toBe(Infinity);
    expect(outputs["power"]?.data[0]).toBe(0);
  });

  test("inputs that are asked for infinities", async () => {
    const bias = tensorOf("bias", f32, "n");
    const graph = draw([bias], [
      [tensorOf("live", f32, "n"), ({ b, load }, n) => b.select(b.equal(load(bias, n), b.constant(-Infinity)), b.zero, b.apply("exp", [load(bias, n)]))],
      [tensorOf("top", uint(1), "n"), ({ b, load }, n) => b.select(b.equal(load(bias, n), b.constant(Infinity)), b.one, b.zero)],
    ]);
    const { outputs } = await agree(graph, { bias: data(-Infinity, 0, 1, -3, Infinity) });
    expect(outputs["live"]?.data[0]).toBe(0);
    expect([...(outputs["top"]?.data ?? [])]).toEqual([0, 0, 0, 0, 1]);
  });

  test("positions of extremes where nothing is above −∞", async () => {
    const graph = draw([x], [[tensorOf("out", u32, "row"), ({ b, load, reduce }, r) => reduce("argmax", "column", (k) => b.select(b.less(k, r), load(x, r, k), b.constant(-Infinity)))]]);
    const { outputs } = await agree(graph, { x: reals([4, 5], 7) });
    expect(outputs["out"]?.data[0]).toBe(0);
  });
});
