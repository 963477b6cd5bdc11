/** @file What the interpreter remembers, and how much of it fits, changes nothing. */

import { describe, expect, test } from "vitest";
import { randomInputs, randomSizes, unboundSizes } from "../../bin/fuzz/inputs";
import { programGraph, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import { discharge } from "../../runtime/obligations";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import { interpret, interpretWithBound } from "../../spec/interpreter";
import { bindGraph, noSlot, type Inputs } from "../../spec/interpreter/bind";
import { measure } from "../../spec/interpreter/measure";
import type { Budget } from "../../spec/interpreter/reuse";
import type { Sizes } from "../../spec/tensor/check";
import { Evaluator, evaluateStores } from "../../bin/fuzz/folding";
import { reals } from "../emit/programs";
import { graphOf, tensorOf } from "./sample";

const BUDGETS: Readonly<Record<string, Budget>> = { nothing: { term: 0, all: 0 }, "one row": { term: 12 * 8, all: 2 ** 20 }, "a few rows in all": { term: 2 ** 20, all: 12 * 40 }, everything: { term: 2 ** 26, all: 2 ** 28 } };

function within(graph: Graph, inputs: Inputs, set: Sizes, budget: Budget): readonly (readonly number[])[] {
  const bound = bindGraph(graph, inputs, set, noSlot, budget);
  for (const { output, loops, indices, value } of bound.stores) output.fill(loops, indices, bound.closures.of(value));
  return bound.outputs.map(({ data }) => [...data]);
}

describe("what fits of", () => {
  test.each(Object.entries(BUDGETS))("%s gives what is computed without memory", (_, budget) => {
    let compared = 0;
    for (let seed = 0; seed < 120; seed++) {
      const random = new Random(seed + 7000);
      const graph = programGraph(randomProgram(random));
      const sizes = randomSizes(graph, random);
      const set = unboundSizes(graph, sizes);
      const inputs = randomInputs(graph, sizes, seed, new Set());
      try {
        discharge(graph, sizes);
        const expected = Object.values(interpret(graph, inputs, { set })).map(({ data }) => [...data]);
        expect(within(graph, inputs, set, budget), `seed ${seed}`).toEqual(expected);
        compared += expected.flat().length;
      } catch (fault) {
        if (!(fault instanceof KvernError)) throw fault;
      }
    }
    expect(compared).toBeGreaterThan(1000);
  });

  // Four loops around what is asked again and again: it moves with two, three or all of them.
  test.each(Object.entries(BUDGETS))("%s, around terms that move with several loops", (_, budget) => {
    const b = new GraphBuilder();
    const [x, y] = [tensorOf("x", ["i", "j", "k"]), tensorOf("y", ["k", "l"])];
    const graph = graphOf(b, [x, y], tensorOf("out", ["i", "j", "k", "l"]), (i = b.zero, j = b.zero, k = b.zero, l = b.zero) => {
      const heavy = (...parts: readonly Value[]): Value => b.apply("exp", [b.apply("sin", [b.add(...parts)])]);
      const [m, n] = [b.index("l", b.extent("l"), 5), b.index("k", b.extent("k"), 6)];
      const rows = b.reduce("sum", m, b.multiply(heavy(b.load(x, [i, j, k]), b.load(y, [k, m])), heavy(b.load(y, [k, l]), b.load(y, [k, m]))));
      const all = b.reduce("max", n, b.add(heavy(b.load(x, [i, j, n]), b.load(y, [n, l])), heavy(b.load(x, [i, j, n]))));
      return b.add(rows, all, b.multiply(rows, heavy(b.load(x, [i, j, k]), b.load(y, [k, l]))), heavy(b.load(x, [i, j, k])));
    });
    const sizes = { i: 3, j: 4, k: 5, l: 3 };
    const inputs = { x: reals([3, 4, 5], 1), y: reals([5, 3], 2) };
    const stored = Object.fromEntries(Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: [...data].map(Math.fround) }]));
    const expected = [...evaluateStores(new Evaluator(b, stored, sizes), graph.stores).values()];
    const [got = []] = within(graph, inputs, {}, budget);
    expect(got.length).toBe(180);
    got.forEach((value, at) => expect(value).toBe(expected[at]));
    const { out } = interpretWithBound(graph, inputs);
    expect([...(out?.data ?? [])]).toEqual([...got]);
  });
});

test("the sizes of axes are measured over declared sizes", () => {
  const b = new GraphBuilder();
  const [n, m] = [b.extent("n"), b.extent("m")];
  const sizes = { n: 13, m: 5 };
  const cases: readonly (readonly [Value, number])[] = [
    [b.constant(7), 7], [n, 13], [b.linear(-2, [[2, n], [3, m]]), 39], [b.multiply(n, m), 65], [b.power(m, b.constant(3)), 125], [b.quotient(n, m), 2], [b.quotient(b.add(n, b.constant(7)), b.constant(8)), 2],
    [b.remainder(n, m), 3], [b.larger(n, m), 13], [b.smaller(n, m), 5], [b.add(b.quotient(n, b.constant(4)), b.multiply(m, b.remainder(n, b.constant(4)))), 8],
  ];
  for (const [extent, size] of cases) expect(measure(extent, sizes)).toBe(size);
  expect(() => measure(b.extent("k"), sizes)).toThrow("internal: the axis k was checked and has no size");
  expect(() => measure(b.apply("exp", [n]), sizes)).toThrow("internal: the size of an axis is a apply");
});

describe("a tensor of many axes", () => {
  const axes = ["i", "j", "k", "l", "m"] as const;
  test.each([1, 2, 3, 4, 5])("is read element by element, of %d", (rank) => {
    const b = new GraphBuilder();
    const own = axes.slice(0, rank);
    const x = tensorOf("x", own);
    const graph = graphOf(b, [x], tensorOf("out", own), (...at) => b.scale(2, b.load(x, at)));
    const shape = [2, 3, 2, 3, 2].slice(0, rank);
    const data = Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, at) => at + 1);
    expect([...(interpret(graph, { x: { shape, data } })["out"]?.data ?? [])]).toEqual(data.map((value) => 2 * value));
  });

  const at = [1, 2, 1, 2, 1];
  test.each([1, 2, 3, 4, 5].flatMap((rank) => Array.from({ length: rank }, (_, wrong) => [rank, wrong] as const)))("is refused outside, of %d axes along number %d, and says where", (rank, wrong) => {
    for (const beyond of [-1, 1]) {
      const b = new GraphBuilder();
      const own = axes.slice(0, rank);
      const [x, n] = [tensorOf("x", own), tensorOf("n", [], { kind: "i32" })];
      const graph = graphOf(b, [x, n], tensorOf("out", []), () => b.load(x, own.map((_, axis) => (axis === wrong ? b.add(b.load(n, []), b.constant(at[axis] ?? 0)) : b.constant(at[axis] ?? 0)))));
      const shape = [2, 3, 2, 3, 2].slice(0, rank);
      const step = beyond === 1 ? (shape[wrong] ?? 0) - (at[wrong] ?? 0) : -1 - (at[wrong] ?? 0);
      const data = Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => 1);
      const run = () => interpret(graph, { x: { shape, data }, n: { shape: [], data: [step] } });
      const place = at.slice(0, rank).with(wrong, (at[wrong] ?? 0) + step);
      expect(run).toThrow(KvernError);
      try {
        run();
      } catch (fault) {
        if (!(fault instanceof KvernError)) throw fault;
        const [diagnostic] = fault.diagnostics;
        expect(diagnostic?.code).toBe("KV2001");
        expect(JSON.stringify(diagnostic)).toContain(`${place[wrong] ?? ""}`);
      }
      // Within, all of it is read.
      expect(interpret(graph, { x: { shape, data }, n: { shape: [], data: [0] } })["out"]?.data[0]).toBe(1);
    }
  });
});
