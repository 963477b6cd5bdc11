/** @file Attacks the bound of every rule but those of attention: each function of `Math`, products, quotients, statistics. */

import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../spec/graph/builder";
import { UNARY_FUNCTIONS, type Graph, type MathFunction, type Value } from "../../spec/graph/node";
import { GPUJS, interpretWithBound } from "../../spec/interpreter";
import { attack, numbers, ROUNDS, TABLES, tally } from "./attack";
import { randomFrom } from "./adversary";
import { f16, f32, graphOf, tensorOf } from "./sample";

/** Where each function is tried; the others from −3 to 3. */
const DOMAINS: Partial<Record<MathFunction, readonly [number, number]>> = {
  exp: [-90, 80], expm1: [-20, 20], log: [1e-3, 30], log2: [1e-3, 30], log10: [1e-3, 30], log1p: [-0.9, 30], sqrt: [0, 100],
  tan: [-1.4, 1.4], asin: [-0.99, 0.99], acos: [-0.99, 0.99], asinh: [0.1, 30], acosh: [1.1, 30], atanh: [-0.9, 0.9], cosh: [-20, 20], sinh: [-20, 20],
};

/** out[i] = body(x[i], y[i], i) */
function pointwise(body: (b: GraphBuilder, x: Value, y: Value) => Value): Graph {
  const b = new GraphBuilder();
  const [x, y] = [tensorOf("x", ["i"]), tensorOf("y", ["i"])];
  return graphOf(b, [x, y], tensorOf("out", ["i"]), (i = b.zero) => body(b, b.load(x, [i]), b.load(y, [i])));
}

const between = (seed: number, count: number, [low, high]: readonly [number, number]) => {
  const random = randomFrom(seed);
  return { shape: [count], data: Float32Array.from({ length: count }, () => low + (high - low) * random()) };
};

/** Attacks on each table; those of gpu.js are fewer, as the rules are the same. */
const ATTACKS = TABLES.map((table) => ({ table, name: table.accuracy.name, times: table.kind === "wgsl" ? 10 : 5 }));

it("the tables of gpu.js's shaders are one", () => {
  expect({ ...GPUJS.webgl2, name: "" }).toEqual({ ...GPUJS.webgpu, name: "" });
});

it("the bound that webasm has of a function does not hold for one of WGSL", () => {
  const found = tally();
  const graph = pointwise((b, x) => b.apply("exp", [x]));
  attack(found, graph, { x: between(1, 300, [-20, 20]), y: between(1, 300, [0, 1]) }, 1, 5, 0, { accuracy: GPUJS.webasm, kind: "wgsl" });
  expect(found.violations).toBeGreaterThan(0);
});

describe.each(ATTACKS)("the bound that $name has of a function", ({ table, times }) => {
  it.each([...UNARY_FUNCTIONS])("%s of a number with an error", (fn) => {
    const domain = DOMAINS[fn] ?? [-3, 3];
    // y is about 1, and x·y/y no longer exactly x: the argument has an error of its own.
    const graph = pointwise((b, x, y) => b.apply(fn, [b.divide(b.multiply(x, b.add(y, b.constant(0.1))), b.add(y, b.constant(0.1)))]));
    const found = tally();
    for (let seed = 1; seed <= 4; seed++) attack(found, graph, { x: between(seed, 300, domain), y: between(seed + 50, 300, [0.9, 1.1]) }, seed, times, 0, table);
    expect(found.violations).toBe(0);
    expect(found.unbounded).toBeLessThan(found.outputs / 20);
    expect(found.outputs).toBeGreaterThan(1_000 * times);
  });

  it.each([...UNARY_FUNCTIONS])("%s of an exact number", (fn) => {
    const found = tally();
    const graph = pointwise((b, x) => b.apply(fn, [x]));
    for (let seed = 1; seed <= 2; seed++) attack(found, graph, { x: between(seed, 300, DOMAINS[fn] ?? [-3, 3]), y: between(seed, 300, [0, 1]) }, seed, times, 0, table);
    expect(found).toMatchObject({ violations: 0, unbounded: 0, outputs: 600 * times * ROUNDS });
  });

  it.each([
    ["pow", (b: GraphBuilder, x: Value, y: Value) => b.apply("pow", [x, y]), [0.01, 20], [-4, 4]],
    ["atan2", (b: GraphBuilder, x: Value, y: Value) => b.apply("atan2", [x, y]), [-3, 3], [-3, 3]],
    ["a quotient", (b: GraphBuilder, x: Value, y: Value) => b.divide(x, b.add(y, b.constant(0.3))), [-3, 3], [0, 3]],
    ["a remainder", (b: GraphBuilder, x: Value, y: Value) => b.remainder(b.multiply(x, x), b.add(y, b.constant(0.3))), [-3, 3], [0, 3]],
    ["a power of one and a half", (b: GraphBuilder, x: Value) => b.product([[b.apply("abs", [x]), 1.5]]), [-3, 3], [0, 1]],
    ["a fractional power", (b: GraphBuilder, x: Value) => b.product([[b.apply("abs", [x]), 1.3]]), [-30, 30], [0, 1]],
    ["an inverse square root", (b: GraphBuilder, x: Value, y: Value) => b.product([[y, 1], [b.linear(1e-5, [[1, b.multiply(x, x)]]), -0.5]]), [-3, 3], [-3, 3]],
    ["a difference that cancels", (b: GraphBuilder, x: Value, y: Value) => b.subtract(b.multiply(b.add(x, y), b.add(x, y)), b.multiply(b.subtract(x, y), b.subtract(x, y))), [-300, 300], [-0.01, 0.01]],
    ["a product with what cancels", (b: GraphBuilder, x: Value, y: Value) => b.multiply(b.subtract(x, y), y), [1, 1.00001], [1, 1.00001]],
    ["a step", (b: GraphBuilder, x: Value, y: Value) => b.floor(b.multiply(x, y)), [-30, 30], [-30, 30]],
    ["a choice", (b: GraphBuilder, x: Value, y: Value) => b.select(b.less(b.multiply(x, b.constant(0.1)), b.multiply(y, b.constant(0.1))), b.scale(3, x), y), [-1, 1], [-1, 1]],
    ["a tiny product", (b: GraphBuilder, x: Value, y: Value) => b.multiply(b.multiply(x, y), b.constant(1e30)), [-1e-20, 1e-20], [-1e-20, 1e-20]],
  ] as const)("%s", (_, body, domain, other) => {
    const found = tally();
    const graph = pointwise(body);
    for (let seed = 1; seed <= 4; seed++) attack(found, graph, { x: between(seed, 300, domain), y: between(seed + 50, 300, other) }, seed, times, 0, table);
    expect(found.violations).toBe(0);
    expect(found.unbounded).toBeLessThan(found.outputs / 5);
    expect(found.outputs).toBeGreaterThan(900 * times);
  });
});

describe.each(ATTACKS)("the bound that $name has of a reduction", ({ table, times }) => {
  const b = new GraphBuilder();
  const [x, w] = [tensorOf("x", ["row", "column"]), tensorOf("w", ["column"])];
  const of = (body: (row: Value, along: (op: "sum" | "max" | "min" | "argmax" | "argmin", f: (c: Value) => Value, k?: number) => Value) => Value): Graph =>
    graphOf(b, [x, w], tensorOf("out", ["row"]), (row = b.zero) =>
      body(row, (op, f, k = 5) => {
        const c = b.index("column", b.extent("column"), k);
        return b.reduce(op, c, f(c));
      }));
  const at = (row: Value, c: Value): Value => b.load(x, [row, c]);
  const size = b.extent("column");
  const mean = (row: Value, along: (op: "sum", f: (c: Value) => Value, k?: number) => Value): Value => b.divide(along("sum", (c) => at(row, c), 6), size);

  /** x, exact where w is negative and else by way of numbers a thousand times as large. */
  const unequal = (x: Value, w: Value): Value =>
    b.select(b.less(w, b.zero), x, b.linear(-3000, [[1, b.divide(b.multiply(b.linear(3000, [[1, x]]), w), w)]]));

  it.each([
    ["a variance", of((row, along) => b.divide(along("sum", (c) => b.power(b.subtract(at(row, c), mean(row, along)), b.constant(2))), size))],
    ["a root mean square norm", of((row, along) => along("sum", (c) => b.product([[at(row, c), 1], [b.load(w, [c]), 1], [b.linear(1e-5, [[1, b.divide(along("sum", (d) => b.power(at(row, d), b.constant(2)), 6), size)]]), -0.5]])))],
    ["a log of a sum of exponentials", of((row, along) => {
      const peak = along("max", (c) => at(row, c), 6);
      return b.add(peak, b.apply("log", [along("sum", (c) => b.apply("exp", [b.subtract(at(row, c), peak)]), 7)]));
    })],
    ["a largest product", of((row, along) => along("max", (c) => b.multiply(at(row, c), b.load(w, [c]))))],
    ["a smallest product", of((row, along) => along("min", (c) => b.multiply(at(row, c), b.load(w, [c]))))],
    ["a largest of numbers with unequal errors", of((row, along) => along("max", (c) => unequal(at(row, c), b.load(w, [c]))))],
    ["the place of the largest of numbers with unequal errors", of((row, along) => along("argmax", (c) => unequal(at(row, c), b.load(w, [c]))))],
    ["the place of the largest product", of((row, along) => along("argmax", (c) => b.multiply(at(row, c), b.load(w, [c]))))],
    ["the place of the smallest distance", of((row, along) => along("argmin", (c) => b.power(b.subtract(at(row, c), b.load(w, [c])), b.constant(2))))],
    ["the element at the place of the largest", of((row, along) => b.load(w, [along("argmax", (c) => b.multiply(at(row, c), b.load(w, [c])))]))],
    ["a sum of what exceeds a product", of((row, along) => along("sum", (c) => b.select(b.less(b.constant(0.5), b.multiply(at(row, c), b.load(w, [c]))), at(row, c), b.zero)))],
  ])("%s", (_, graph) => {
    const found = tally();
    for (const [seed, column, centre] of [[1, 1, 0], [2, 9, 0], [3, 40, 0], [4, 40, 30]] as const) {
      const random = randomFrom(seed);
      // Some elements lie close to others, so that comparisons can fall either way.
      const close = (of: Float32Array): Float32Array => of.map((value, index) => (index % 5 === 1 ? (of[index - 1] ?? 0) * (1 + 2 ** -22) : value));
      const inputs = { x: numbers(random, [40, column], 1, centre), w: numbers(random, [column], 1) };
      attack(found, graph, { x: { ...inputs.x, data: close(inputs.x.data) }, w: inputs.w }, seed, 1.5 * times, 0, table);
    }
    expect(found).toMatchObject({ violations: 0, unbounded: 0 });
    expect(found.outputs).toBeGreaterThanOrEqual(240 * times);
  });
});

describe("the bound of a long sum", () => {
  it("holds in every order, and no order keeps within a few roundings", () => {
    const b = new GraphBuilder();
    const x = tensorOf("x", ["row", "column"]);
    const graph = graphOf(b, [x], tensorOf("out", ["row"]), (row = b.zero) => {
      const c = b.index("column", b.extent("column"), 5);
      return b.reduce("sum", c, b.multiply(b.load(x, [row, c]), b.load(x, [row, c])));
    });
    const found = tally();
    attack(found, graph, { x: numbers(randomFrom(3), [20, 400], 1) }, 3, 15);
    expect(found).toMatchObject({ violations: 0, unbounded: 0, outputs: 300 * ROUNDS });
    expect(found.worst * 400).toBeGreaterThan(9);
  });

  it("is relative to what is summed, not to what it comes to", () => {
    const b = new GraphBuilder();
    const x = tensorOf("x", ["column"]);
    const graph = graphOf(b, [x], tensorOf("out", []), () => {
      const c = b.index("column", b.extent("column"), 5);
      return b.reduce("sum", c, b.load(x, [c]));
    });
    const random = randomFrom(4);
    const half = numbers(random, [100], 1).data;
    const found = tally();
    attack(found, graph, { x: { shape: [200], data: Float32Array.from([...half, ...half.map((value) => -value)]) } }, 3, 200);
    expect(found).toMatchObject({ violations: 0, unbounded: 0, outputs: 200 * ROUNDS });
  });
});

describe("what is promised of nothing", () => {
  const only = (graph: Graph, x: number, y: number) => {
    const one = (value: number) => ({ shape: [1], data: [value] });
    const { out } = interpretWithBound(graph, { x: one(x), y: one(y) });
    return { value: out?.data[0], bound: out?.bound[0], undecided: out?.undecided[0] };
  };

  it.each([
    ["a division by zero", pointwise((b, x, y) => b.divide(x, y)), 1, 0],
    ["a division by what may be zero", pointwise((b, x, y) => b.divide(x, b.linear(-0.1, [[1, y]]))), 1, Math.fround(0.1)],
    ["an overflow", pointwise((b, x, y) => b.multiply(x, y)), 1e30, 1e30],
    ["an exponential that overflows", pointwise((b, x) => b.apply("exp", [x])), 90, 0],
    ["a sine beyond π", pointwise((b, x) => b.apply("sin", [x])), 4, 0],
    ["a logarithm of a negative number", pointwise((b, x) => b.apply("log", [x])), -1, 0],
    ["a root of a negative number", pointwise((b, x) => b.apply("sqrt", [x])), -1, 0],
  ])("%s", (_, graph, x, y) => {
    expect(only(graph, x, y).bound).toBe(Infinity);
  });

  it("leaves exact what is exact", () => {
    expect(only(pointwise((b, x, y) => b.add(b.floor(x), b.larger(b.floor(x), b.floor(y)))), 3, 2)).toEqual({ value: 6, bound: 0, undecided: 0 });
    expect(only(pointwise((b, x) => b.multiply(b.select(b.less(x, b.zero), b.zero, b.one), b.zero)), 3, 2)).toEqual({ value: 0, bound: 0, undecided: 0 });
  });

  it("marks what may fall either way, and reaches over it", () => {
    const graph = pointwise((b, x, y) => b.select(b.less(b.multiply(x, y), b.constant(1 / 3)), b.zero, b.constant(8)));
    expect(only(graph, 1, Math.fround(1 / 3))).toMatchObject({ bound: 8, undecided: 1 });
    expect(only(graph, 1, 0.5)).toMatchObject({ bound: 0, undecided: 0 });
  });

  it("reaches to both sides of a step of a remainder", () => {
    const graph = pointwise((b, x, y) => b.remainder(b.multiply(x, y), b.constant(7)));
    // 0.7 is rounded down, so that 7 is missed by little, and a device may reach it; 1.4 up, and it may fall short of 14.
    for (const [x, y] of [[0.7, 10], [1.4, 10]] as const) {
      const { value = NaN, bound = NaN, undecided } = only(graph, Math.fround(x), y);
      expect(undecided).toBe(1);
      expect([value - bound <= 0, value + bound >= 7 - 2 ** -20]).toEqual([true, true]);
      expect(bound).toBeLessThan(15);
    }
  });

  it("lets a device read a subnormal half as 0, where its backend may", () => {
    const b = new GraphBuilder();
    const x = tensorOf("x", ["i"], f16);
    const graph = graphOf(b, [x], tensorOf("out", ["i"]), (i = b.zero) => b.load(x, [i]));
    const inputs = { x: { shape: [2], data: [2 ** -20, 2 ** -14] } };
    expect([...(interpretWithBound(graph, inputs)["out"]?.bound ?? [])]).toEqual([2 ** -20, 0]);
    expect([...(interpretWithBound(graph, inputs, { accuracy: GPUJS.cpu })["out"]?.bound ?? [])]).toEqual([0, 0]);
  });

  it("counts the rounding of f16 storage", () => {
    const b = new GraphBuilder();
    const x = tensorOf("x", ["i"], f32);
    const graph = graphOf(b, [x], tensorOf("out", ["i"], f16), (i = b.zero) => b.load(x, [i]));
    const { out } = interpretWithBound(graph, { x: { shape: [2], data: [1.0001, 70000] } });
    expect(out?.bound[0]).toBeCloseTo(2 ** -10 + 2 ** -14, 6);
    expect(out?.bound[1]).toBe(Infinity);
  });
});
