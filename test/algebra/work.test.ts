/** @file What a graph costs, counted by hand. */

import { describe, expect, test } from "vitest";
import { sizeOf, workOf, workOfValues } from "../../compiler/algebra/work";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import { graphOf, tensorOf } from "../interpreter/sample";

const b = new GraphBuilder();
const [x, y] = [tensorOf("x", ["row", "token"]), tensorOf("y", ["token"])];
const [r, t] = [b.index("row", b.extent("row")), b.index("token", b.extent("token"))];
const [xs, ys] = [b.load(x, [r, t]), b.load(y, [t])];
const SIZES = { row: 3, token: 5 };

describe("the work of a value is that of its nodes, each at every combination of its own positions", () => {
  // One element of x at 15 places, one of y at 5; what is made of both at 15, of y alone at 5.
  const cases: readonly (readonly [string, Value, readonly [loads: number, operations: number, special: number]])[] = [
    ["an element", ys, [5, 0, 0]],
    ["a multiple", b.scale(3, ys), [5, 5, 0]],
    ["its negative costs nothing", b.negate(ys), [5, 0, 0]],
    ["a sum", b.add(xs, ys), [20, 15, 0]],
    ["a difference", b.subtract(xs, ys), [20, 15, 0]],
    ["a constant more", b.add(ys, b.constant(2)), [5, 5, 0]],
    ["a linear form: two multiples, two additions", b.linear(4, [[2, xs], [-3, ys]]), [20, 60, 0]],
    ["a product", b.multiply(xs, ys), [20, 15, 0]],
    ["a quotient", b.divide(xs, ys), [20, 15, 15]],
    ["a root", b.apply("sqrt", [ys]), [5, 0, 5]],
    ["an exponential", b.apply("exp", [ys]), [5, 0, 5]],
    ["a choice, whose condition is free", b.select(b.less(xs, ys), xs, b.zero), [20, 15, 0]],
    ["the larger of two", b.larger(xs, ys), [20, 15, 0]],
    ["positions are free", b.add(b.scale(2, t), b.one), [0, 0, 0]],
    ["a sum over tokens: an addition each", b.reduce("sum", t, xs), [15, 15, 0]],
    ["what is shared is computed once", b.add(b.apply("exp", [ys]), b.multiply(xs, b.apply("exp", [ys]))), [20, 30, 5]],
  ];
  test.each(cases)("%s", (_, value, [loads, operations, special]) => {
    expect(workOfValues(b, [value], SIZES)).toEqual({ loads, operations, special });
  });

  test("a sum by key is one addition a position, over all keys", () => {
    const code = b.load(tensorOf("codes", ["token"], { kind: "uint", bits: 3 }), [t]);
    const key = b.index("key", b.constant(8));
    expect(workOfValues(b, [b.reduce("sum", t, ys, b.equal(code, key))], SIZES)).toEqual({ loads: 10, operations: 5, special: 0 });
    expect(workOfValues(b, [b.reduce("sum", t, ys, b.and(b.equal(code, key), b.less(ys, b.zero)))], SIZES)).toMatchObject({ operations: 5 });
    expect(workOfValues(b, [b.reduce("sum", t, ys, b.less(ys, key))], SIZES)).toMatchObject({ operations: 40 });
  });

  test("a table is looked up for the price of an element", () => {
    const code = b.load(tensorOf("codes", ["token"], { kind: "uint", bits: 3 }), [t]);
    const bound = b.index("key", b.constant(8), 1);
    const { loads } = workOfValues(b, [b.table(bound, b.apply("exp", [b.scale(0.5, bound)]), code)], SIZES);
    expect(loads).toBe(10);
  });

  test("of a graph it is that of what it stores and where; without a size it is no number", () => {
    const graph = graphOf(b, [x, y], tensorOf("out", ["row", "token"]), (row = b.zero, token = b.zero) => b.multiply(b.load(x, [row, token]), b.load(y, [token])));
    expect(workOf(b, graph, SIZES)).toEqual({ loads: 20, operations: 15, special: 0 });
    expect(workOf(b, graph, { row: 3 }).operations).toBeNaN();
  });
});

test("the size of an axis", () => {
  const [n, m] = [b.extent("n"), b.extent("m")];
  const sizes = { n: 13, m: 5 };
  for (const [extent, size] of [
    [b.constant(4), 4], [n, 13], [b.linear(2, [[3, n], [-1, m]]), 36], [b.quotient(n, m), 2], [b.smaller(n, m), 5], [b.larger(n, m), 13], [b.quotient(b.add(n, b.constant(7)), b.constant(8)), 2],
  ] as const) expect(sizeOf(extent, sizes)).toBe(size);
  expect(sizeOf(b.extent("k"), sizes)).toBeNaN();
  expect(sizeOf(b.multiply(n, m), sizes)).toBeNaN();
});
