/** @file What the first plan stores, in which order, and for which sizes a graph is specialised. */

import { describe, expect, test } from "vitest";
import { lowerPlain } from "../../compiler/lower";
import { storageBuffers } from "../../compiler/plan/fold/legal";
import { specialise } from "../../compiler/plan/specialise";
import { workgroups } from "../../compiler/plan/workgroups";
import type { Sizes } from "../../compiler/program";
import { simulateProgram } from "../../compiler/simulator/program";
import type { Graph, Value } from "../../spec/graph/node";
import { printGraph } from "../../spec/graph/print";
import { faults } from "../../spec/graph/validate";
import { interpretWithBound } from "../../spec/interpreter";
import { LIMITS } from "../emit/limits";
import { draw, f32, i32, tensorOf, uint, type Draft } from "../emit/programs";

const x = tensorOf("x", f32, "row", "column");
const y = tensorOf("y", f32, "row", "column");

/** `array[axes]` of every dispatch, in order. */
function stored(graph: Graph, set: Sizes = {}, limits = LIMITS): readonly string[] {
  return lowerPlain(graph, { set, limits }).plan.units.map(({ array, axes }) => `${array.name}[${axes.map(({ name }) => name).join(", ")}]`);
}

describe("a reduction is stored", () => {
  const total = ({ load, sum }: Draft, r: Value): Value => sum("column", (c) => load(x, r, c));

  test("where it would be computed for every position of an axis it does not depend on", () => {
    const graph = draw([x], [[tensorOf("out", f32, "row", "column"), (draft, r, c) => draft.b.divide(draft.load(x, r, c), total(draft, r))]]);
    expect(stored(graph)).toEqual(["sum over column[row@0]", "out[row@0, column@0]"]);
  });

  test("not where it belongs to one element", () => {
    expect(stored(draw([x], [[tensorOf("out", f32, "row"), (draft, r) => draft.b.apply("exp", [total(draft, r)])]]))).toEqual(["out[row@0]"]);
  });

  test("not where it is hoisted out of the loop around it", () => {
    const graph = draw([x], [[tensorOf("out", f32, "row"), (draft, r) => draft.sum("column", (c) => draft.b.apply("exp", [draft.b.add(draft.load(x, r, c), total(draft, r))]))]]);
    expect(stored(graph)).toEqual(["out[row@0]"]);
  });

  test("where a loop around it repeats it", () => {
    const graph = draw([x], [[tensorOf("out", f32, "row"), ({ b, load, sum }, r) => sum("row", (s) => sum("column", (c) => b.apply("exp", [b.multiply(load(x, r, c), load(x, s, c), sum("row", (t) => b.multiply(load(x, t, c), load(x, t, c))))])))]]);
    expect(stored(graph)).toEqual(["sum over row[column@0]", "out[row@0]"]);
  });

  test("where two outputs are computed from it", () => {
    const graph = draw([x], [
      [tensorOf("one", f32, "row"), (draft, r) => draft.b.apply("exp", [total(draft, r)])],
      [tensorOf("two", f32, "row"), (draft, r) => draft.b.apply("tanh", [total(draft, r)])],
    ]);
    expect(stored(graph)).toEqual(["sum over column[row@0]", "one[row@0]", "two[row@0]"]);
  });

  test("not where it runs over a few positions only", () => {
    const graph = draw([x], [[tensorOf("out", f32, "row", "column"), (draft, r, c) => draft.b.divide(draft.load(x, r, c), total(draft, r))]]);
    expect(stored(graph, { column: 8 })).toEqual(["out[row@0, column@0]"]);
    expect(stored(graph, { column: 9 })).toHaveLength(2);
  });

  test("not where its array would be too large", () => {
    const graph = draw([x], [[tensorOf("out", f32, "row", "column"), (draft, r, c) => draft.b.divide(draft.load(x, r, c), total(draft, r))]]);
    expect(stored(graph, { row: 1000, column: 100 }, { ...LIMITS, maxStorageBufferBindingSize: 3999 })).toHaveLength(1);
    expect(stored(graph, { row: 1000, column: 100 }, { ...LIMITS, maxStorageBufferBindingSize: 4000 })).toHaveLength(2);
  });

  test("once, whatever the names of its axes where it is used", () => {
    const graph = draw([x], [[tensorOf("out", f32, "row", "row"), (draft, r, s) => draft.b.subtract(total(draft, r), total(draft, s))]]);
    expect(stored(graph)).toEqual(["sum over column[row@0]", "out[row@0, row@1]"]);
  });

  test("as the type it has: positions, counts and truths as integers", () => {
    const graph = draw([x], [[tensorOf("out", f32, "row", "column"), ({ b, load, reduce, sum }, r, c) => {
      const live = (k: Value): Value => b.less(b.zero, load(x, r, k));
      return b.select(reduce("any", "column", live), b.add(reduce("argmax", "column", (k) => load(x, r, k)), sum("column", (k) => b.select(live(k), b.one, b.zero)), c), b.zero);
    }]]);
    const { plan } = lowerPlain(graph, { limits: LIMITS });
    const types = plan.temporaries.map((name) => `${name}: ${plan.arrays.get(name)?.element.kind ?? "?"}`).sort();
    expect(types).toEqual(["any over column: i32", "argmax over column: i32", "sum over column: i32"]);
  });
});

test("dispatches come after those they read, and empty arrays have none", () => {
  const graph = draw([x, y], [
    [tensorOf("none", f32, "gap"), ({ b }, g) => b.add(g, b.one)],
    [tensorOf("out", f32, "row", "column"), ({ b, load, reduce, sum }, r, c) => {
      const peak = reduce("max", "column", (k) => load(x, r, k));
      return b.divide(b.subtract(load(y, r, c), peak), sum("column", (k) => b.apply("exp", [b.subtract(load(x, r, k), peak)])));
    }],
  ], { gap: 0 });
  expect(stored(graph)).toEqual(["max over column[row@0]", "sum over column[row@0]", "out[row@0, column@0]"]);
});

describe("specialising", () => {
  const codes = tensorOf("codes", uint(4), "row", "column");
  const graph = draw([x, codes], [[tensorOf("out", f32, "row", "column"), ({ b, load, extent, reduce }, r, c) => {
    const group = b.floor(b.divide(r, b.divide(extent("row"), extent("kv"))));
    return b.add(group, reduce("max", "row", (s) => reduce("max", "row", (t) => b.multiply(load(x, s, c), load(codes, t, c)))));
  }]], {}, ["kv"]);

  test("puts sizes in, and folds what they decide", () => {
    const { builder, graph: small, fixed } = specialise(graph, { row: 8, kv: 2 });
    expect(fixed).toEqual({ row: 8, kv: 2 });
    expect(faults(small)).toEqual([]);
    expect(printGraph(builder, small)).toMatchInlineSnapshot(`
      "kernel sample
      axes row = 8, column, kv = 2
      input x: f32[row, column]
      input codes: uint4[row, column]
      output out: f32[row, column]
      out[row, column] = (2 * row) // 8 + (max row < 8: (max row' < 8: codes[row', column] * x[row, column]))"
    `);
  });

  test("leaves a graph without sizes as it was", () => {
    const once = specialise(graph, {});
    const twice = specialise(once.graph, {});
    expect(printGraph(twice.builder, twice.graph)).toBe(printGraph(once.builder, once.graph));
    expect(printGraph(once.builder, once.graph)).toContain("extent(kv)");
  });

  test("keeps what divides by an empty axis out of the text", () => {
    const at = tensorOf("at", i32, "column");
    const rows = draw([at], [[tensorOf("out", f32, "column"), ({ b, load, extent }, c) => b.remainder(load(at, c), extent("row"))]], {}, ["row"]);
    expect(lowerPlain(rows, { set: { row: 0 }, limits: LIMITS }).program.dispatches[0]?.code).not.toMatch(/ % /);
    expect(lowerPlain(rows, { set: { row: 3 }, limits: LIMITS }).program.dispatches[0]?.code).toMatch(/ % 3/);
  });
});

test("workgroups are folded with little to spare", () => {
  for (const total of [0, 1, 64, 65535, 65536, 65537, 1e6, 4294836226, 2 ** 33]) {
    const [a, b, c] = workgroups([total], 65535);
    expect(Math.max(a, b, c)).toBeLessThanOrEqual(65535);
    expect(a * b * c).toBeGreaterThanOrEqual(total);
    // Each of the two foldings rounds up by less than one row, or plane, of workgroups.
    expect(a * b * c - total).toBeLessThan(b * c + c * 65535);
  }
});

describe("what reads more tensors than a device binds is taken in parts", () => {
  const MOST = 4;
  const limits = { ...LIMITS, maxStorageBuffersPerShaderStage: MOST };
  const names = Array.from({ length: 11 }, (_, k) => `x${k}`);
  const inputs = names.map((name) => tensorOf(name, f32, "row"));
  const joins: readonly (readonly [string, (draft: Draft, parts: readonly Value[]) => Value])[] = [
    ["a sum", ({ b }, parts) => b.add(...parts)],
    ["a sum with factors", ({ b }, parts) => b.linear(0.5, parts.map((part, k) => [k + 1, part] as const))],
    ["a product", ({ b }, parts) => b.product(parts.map((part, k) => [part, k % 2 === 0 ? 1 : 2] as const))],
    ["an extreme", ({ b }, parts) => parts.reduce((most, part) => b.larger(most, part))],
    ["a condition", ({ b }, parts) => b.select(b.and(...parts.map((part) => b.less(b.zero, part))), b.one, b.zero)],
    ["functions of sums", ({ b }, parts) => b.add(...parts.map((part, k) => b.apply("exp", [b.add(part, parts[(k + 1) % parts.length] ?? part)])))],
  ];

  test.each(joins)("%s", (_, join) => {
    const graph = draw(inputs, [[tensorOf("out", f32, "row"), (draft, r) => join(draft, inputs.map((input) => draft.load(input, r)))]]);
    const { specialised, kernels } = lowerPlain(graph, { limits });
    expect(kernels.length).toBeGreaterThan(3);
    expect(kernels.filter((kernel) => storageBuffers(kernel) > MOST).map(({ name }) => name)).toEqual([]);
    // Parts that fit are taken as many together as fit: not one tensor at a time.
    expect(kernels.length).toBeLessThanOrEqual(6 + names.length);
    const data = Object.fromEntries(names.map((name, k) => [name, { shape: [3], data: [0.5 + k / 8, -1 + k / 4, 2 - k / 3] }]));
    const { out } = interpretWithBound(graph, data);
    const { outputs, faults: found } = simulateProgram(specialised.builder, specialised.graph, { kernels }, data, { row: 3 });
    expect(found).toEqual([]);
    out?.data.forEach((value, at) => expect(Math.abs((outputs["out"]?.[at] ?? NaN) - value)).toBeLessThanOrEqual(out.bound[at] ?? 0));
  });
});
