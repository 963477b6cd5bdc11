import { describe, expect, it } from "vitest";
import { InternalError, KvernError } from "../../spec/diagnostics/diagnostic";
import { GraphBuilder } from "../../spec/graph/builder";
import { BITWISE_OPERATORS, UNARY_FUNCTIONS, type Element, type Graph, type Tensor, type Value } from "../../spec/graph/node";
import { interpret } from "../../spec/interpreter";
import { infinitiesTested } from "../../spec/interpreter/infinity";
import type { TensorData } from "../../spec/tensor";
import { coupledAttention, f16, graphOf, tensorOf } from "./sample";

/** The elements of `out`. */
const outOf = (graph: Graph, inputs: Readonly<Record<string, TensorData>>, set = {}): readonly number[] => [...(interpret(graph, inputs, { set })["out"]?.data ?? [])];

const i32: Element = { kind: "i32" };
const x = tensorOf("x", ["i"]);
const list = (...data: readonly number[]): TensorData => ({ shape: [data.length], data });

/** out[i] = body(x[i], i) */
function each(body: (b: GraphBuilder, x: Value, i: Value) => Value, output: Element = { kind: "f32" }, input: Tensor = x): Graph {
  const b = new GraphBuilder();
  return graphOf(b, [input], tensorOf("out", ["i"], output), (i = b.zero) => body(b, b.load(input, [i]), i));
}

/** What a call is refused with. */
function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof KvernError) return error.message;
    throw error;
  }
  return "nothing";
}

describe("a value", () => {
  const numbers = [-2.5, -1, -0.5, 0.25, 0.5, 1, 2.5];

  it.each([...UNARY_FUNCTIONS])("Math.%s is JavaScript's", (fn) => {
    expect(outOf(each((b, v) => b.apply(fn, [v])), { x: list(...numbers) })).toEqual(numbers.map((v) => Math[fn](v)));
  });

  it.each([...BITWISE_OPERATORS])("%s is JavaScript's", (op) => {
    const at = { "&": (a: number, b: number) => a & b, "|": (a: number, b: number) => a | b, "^": (a: number, b: number) => a ^ b, "<<": (a: number, b: number) => a << b, ">>": (a: number, b: number) => a >> b, ">>>": (a: number, b: number) => a >>> b }[op];
    const integers = [-7, -1, 0, 1, 12345, 2 ** 31 - 1, -(2 ** 31)];
    expect(outOf(each((b, v) => b.bitwise(op, v, b.constant(3)), { kind: "f32" }, tensorOf("x", ["i"], i32)), { x: list(...integers) })).toEqual(integers.map((v) => at(v, 3)));
  });

  it("divides, multiplies and takes powers as written", () => {
    expect(outOf(each((b, v) => b.product([[v, 2], [b.linear(3, [[1, v]]), -1]])), { x: list(...numbers) })).toEqual(numbers.map((v) => v ** 2 / (3 + v)));
    expect(outOf(each((b, v) => b.apply("pow", [v, b.constant(0.3)])), { x: list(-1, 0, 2) })).toEqual([NaN, 0, 2 ** 0.3]);
    expect(outOf(each((b, v) => b.divide(b.one, v)), { x: list(0) })).toEqual([Infinity]);
    // 1 / 10⁻³¹⁰ overflows in f64, though the quotient does not.
    expect(outOf(each((b, v) => b.divide(b.multiply(v, v), b.product([[v, 3]]))), { x: list(2 ** -120) })).toEqual([2 ** 120]);
  });

  it("rounds quotients towards −∞ and gives remainders the sign of the dividend", () => {
    const graph = (of: (b: GraphBuilder, v: Value) => Value): Graph => each(of, i32, tensorOf("x", ["i"], i32));
    expect(outOf(graph((b, v) => b.quotient(v, b.constant(3))), { x: list(-4, -3, -1, 0, 5) })).toEqual([-2, -1, -1, 0, 1]);
    expect(outOf(graph((b, v) => b.remainder(v, b.constant(3))), { x: list(-4, -3, -1, 0, 5) }).map((r) => r + 0)).toEqual([-1, 0, -1, 0, 2]);
  });

  it("knows the sizes of axes", () => {
    expect(outOf(each((b, v) => b.multiply(v, b.extent("i"))), { x: list(1, 2, 3) })).toEqual([3, 6, 9]);
  });

  it("rounds inputs to what their storage holds, and nothing else", () => {
    const b = new GraphBuilder();
    const half = tensorOf("x", ["i"], f16);
    expect(outOf(each((_, v) => v), { x: list(0.1) })).toEqual([Math.fround(0.1)]);
    expect(outOf(graphOf(b, [half], tensorOf("out", ["i"], f16), (i = b.zero) => b.divide(b.load(half, [i]), b.constant(3))), { x: list(0.1) })).toEqual([0.0999755859375 / 3]);
  });

  it("saturates integer outputs, and refuses what is none", () => {
    const code: Element = { kind: "uint", bits: 3 };
    expect(outOf(each((b, v) => b.floor(v), code), { x: list(-5, 3.5, 9) })).toEqual([0, 3, 7]);
    expect(refusal(() => outOf(each((_, v) => v, code), { x: list(1, 0.5) }))).toContain("KV3009: the output `out` is not an integer at (1)");
    expect(refusal(() => outOf(each((b, v) => b.floor(b.divide(v, v)), code), { x: list(0) }))).toContain("KV3009");
  });
});

describe("truths", () => {
  // Of x < 0 and x < 2, at −1, 1 and 3: both, one, none.
  it.each<readonly [string, (b: GraphBuilder, p: Value, q: Value) => Value, readonly number[]]>([
    ["both", (b, p, q) => b.and(p, q), [1, 0, 0]], ["one of two", (b, p, q) => b.or(p, q), [1, 1, 0]],
    ["not both", (b, p, q) => b.not(b.and(p, q)), [0, 1, 1]], ["neither", (b, p, q) => b.not(b.or(p, q)), [0, 0, 1]],
    ["either alone", (b, p, q) => b.and(b.or(p, q), b.not(b.and(p, q))), [0, 1, 0]], ["one or neither", (b, p, q) => b.or(b.and(p, q), b.not(b.or(p, q))), [1, 0, 1]],
    ["counted", (b, p, q) => b.equal(b.add(b.select(b.or(p, q), b.one, b.zero), b.select(b.and(p, q), b.one, b.zero)), b.constant(2)), [1, 0, 0]],
  ])("%s", (_, of, expected) => {
    // Elements of another input, so that neither condition is known from the other.
    const y = tensorOf("y", ["i"]);
    const b = new GraphBuilder();
    const graph = graphOf(b, [x, y], tensorOf("out", ["i"]), (i = b.zero) => b.select(of(b, b.less(b.load(x, [i]), b.zero), b.less(b.load(y, [i]), b.constant(2))), b.one, b.zero));
    expect(outOf(graph, { x: list(-1, 1, 3), y: list(-1, 1, 3) })).toEqual(expected);
  });
});

describe("a reduction", () => {
  const over = (op: "sum" | "max" | "min" | "argmax" | "argmin" | "any", where: (b: GraphBuilder, v: Value, i: Value) => Value = (b) => b.true): Graph => {
    const b = new GraphBuilder();
    return graphOf(b, [x], tensorOf("out", []), () => {
      const i = b.index("i", b.extent("i"), 3);
      const v = b.load(x, [i]);
      const reduced = b.reduce(op, i, op === "any" ? b.less(b.constant(2), v) : v, where(b, v, i));
      return op === "any" ? b.select(reduced, b.one, b.zero) : reduced;
    });
  };

  it("of nothing is what the grammar says", () => {
    expect((["sum", "max", "min", "argmax", "argmin", "any"] as const).map((op) => outOf(over(op), { x: list() })[0])).toEqual([0, -Infinity, Infinity, 0, 0, 0]);
    const none = (b: GraphBuilder, v: Value): Value => b.less(b.constant(100), v);
    expect((["sum", "max", "min", "argmax", "argmin", "any"] as const).map((op) => outOf(over(op, none), { x: list(3, 4) })[0])).toEqual([0, -Infinity, Infinity, 0, 0, 0]);
  });

  it("takes what its guard admits, and of equals the first", () => {
    const some = (b: GraphBuilder, v: Value): Value => b.less(v, b.constant(5));
    const data = { x: list(1, 4, 9, 4, 1) };
    expect((["sum", "max", "min", "argmax", "argmin", "any"] as const).map((op) => outOf(over(op, some), data)[0])).toEqual([10, 4, 1, 1, 0, 1]);
  });

  it("lets NaN through, as Math.max does, and passes it over in comparisons", () => {
    const b = new GraphBuilder();
    const graph = (op: "max" | "argmax"): Graph => graphOf(b, [x], tensorOf("out", []), () => {
      const i = b.index("i", b.extent("i"), 3);
      const v = b.load(x, [i]);
      return b.reduce(op, i, b.divide(v, v));
    });
    expect(outOf(graph("max"), { x: list(1, 0) })).toEqual([NaN]);
    expect(outOf(graph("argmax"), { x: list(0, 1) })).toEqual([1]);
  });

  it("nests over one axis", () => {
    const b = new GraphBuilder();
    const graph = graphOf(b, [x], tensorOf("out", ["i"]), (i = b.zero) => {
      const [j, k] = [b.index("i", b.extent("i"), 1), b.index("i", b.extent("i"), 2)];
      const below = (at: Value): Value => b.reduce("sum", k, b.load(x, [k]), b.less(k, at));
      return b.add(b.reduce("max", j, b.multiply(below(j), b.load(x, [j]))), below(i));
    });
    expect(outOf(graph, { x: list(1, 2, 3) })).toEqual([9, 10, 12]);
  });
});

describe("what is not evaluated", () => {
  const reading = (condition: (b: GraphBuilder, i: Value, element: Value) => Value): Graph => {
    const b = new GraphBuilder();
    return graphOf(b, [x], tensorOf("out", ["i"]), (i = b.zero) => {
      const next = b.load(x, [b.linear(1, [[1, i]])]);
      return b.select(condition(b, i, next), next, b.constant(-1));
    });
  };

  it("means nothing: a branch, or one side of a conjunction, in whichever order it stands", () => {
    const inside = (b: GraphBuilder, i: Value): Value => b.less(b.linear(1, [[1, i]]), b.extent("i"));
    expect(outOf(reading(inside), { x: list(1, 2, 3) })).toEqual([2, 3, -1]);
    expect(outOf(reading((b, i, next) => b.and(inside(b, i), b.less(next, b.constant(3)))), { x: list(1, 2, 3) })).toEqual([2, -1, -1]);
    expect(outOf(reading((b, i, next) => b.and(b.less(next, b.constant(3)), inside(b, i))), { x: list(1, 2, 3) })).toEqual([2, -1, -1]);
    expect(outOf(reading((b, i, next) => b.not(b.or(b.less(b.constant(2), next), b.not(inside(b, i))))), { x: list(1, 2, 3) })).toEqual([2, -1, -1]);
  });

  it("but what is evaluated stays inside its axis", () => {
    expect(refusal(() => outOf(reading((b) => b.not(b.false)), { x: list(1, 2) }))).toMatch(/KV2001: `x` is read at 2 along its axis `i` \(expected an index from 0 to 1, got 2\)/);
    expect(refusal(() => outOf(reading((b, _, next) => b.less(next, b.zero)), { x: list(1, 2) }))).toContain("KV2001");
    expect(refusal(() => outOf(each((b, v) => b.load(x, [b.multiply(v, b.constant(0.5))])), { x: list(0, 1) }))).toContain("KV2002: `x` is read at 0.5 along its axis `i`");
  });
});

describe("the compiler's own nodes", () => {
  it("look a table up, by substituting", () => {
    const b = new GraphBuilder();
    const graph = graphOf(b, [x], tensorOf("out", ["i"]), (i = b.zero) => {
      const j = b.index("i", b.extent("i"), 4);
      const squares = b.table(j, b.multiply(b.load(x, [j]), b.load(x, [j])), b.linear(-1, [[1, b.extent("i")], [-1, i]]));
      return b.add(squares, b.load(x, [i]));
    });
    expect(outOf(graph, { x: list(1, 2, 3) })).toEqual([10, 6, 4]);
  });

  it("ask for the worth of slots", () => {
    const b = new GraphBuilder();
    const graph = graphOf(b, [x], tensorOf("out", ["i"]), (i = b.zero) => b.add(b.slot("kept", [i], x.axes.length > 0 ? b.load(x, [i]).facts : b.zero.facts), b.load(x, [i])));
    const { out } = interpret(graph, { x: list(1, 2) }, { slot: ({ name }, [at = NaN]) => (name === "kept" ? 10 * at : NaN) });
    expect([...(out?.data ?? [])]).toEqual([1, 12]);
    expect(() => interpret(graph, { x: list(1, 2) })).toThrow(InternalError);
  });

  it("may store an output in pieces, but each element once", () => {
    const b = new GraphBuilder();
    const half = b.index("half", b.constant(2));
    const input = tensorOf("x", ["half"]);
    const output = tensorOf("out", ["i"]);
    const store = (at: Value) => ({ output, indices: [at], value: b.load(input, [half]) });
    const graph = (...stores: Graph["stores"]): Graph => ({ name: "g", axes: [{ name: "half", extent: 2 }, { name: "i", extent: 4 }], inputs: [input], outputs: [output], stores, obligations: [], spans: new Map() });
    expect(outOf(graph(store(b.scale(2, half)), store(b.linear(1, [[2, half]]))), { x: list(1, 2) })).toEqual([1, 1, 2, 2]);
    expect(() => outOf(graph(store(half)), { x: list(1, 2) })).toThrow("internal: out is never stored at 2");
    expect(() => outOf(graph(store(half), store(half)), { x: list(1, 2) })).toThrow("internal: out is stored twice at 0");
    expect(() => outOf(graph(store(b.scale(4, half))), { x: list(1, 2) })).toThrow("internal: out is stored at 4");
  });
});

describe("infinities that a graph tests for", () => {
  it("are those it compares an element with, and no others", () => {
    const tested = (...at: readonly number[]) => infinitiesTested(each((b, v) => b.select(b.or(...at.map((value) => b.equal(v, b.constant(value)))), b.one, b.zero)));
    expect([...tested(-Infinity)]).toEqual([["x", { negative: true, positive: false }]]);
    expect([...tested(Infinity)]).toEqual([["x", { negative: false, positive: true }]]);
    expect([...tested(-Infinity, Infinity)]).toEqual([["x", { negative: true, positive: true }]]);
    expect([...tested(0, 3)]).toEqual([]);
    expect([...infinitiesTested(each((b, v) => b.select(b.equal(b.scale(2, v), b.constant(-Infinity)), b.one, b.zero)))]).toEqual([]);
  });
});

describe("inputs", () => {
  it("are held to the signature", () => {
    const graph = each((_, v) => v);
    expect(refusal(() => outOf(graph, {}))).toContain("KV3001");
    expect(refusal(() => outOf(graph, { x: list(1), y: list(1) }))).toContain("KV3002");
    expect(refusal(() => outOf(graph, { x: { shape: [1, 1], data: [1] } }))).toContain("KV3003");
    expect(refusal(() => outOf(graph, { x: list(NaN) }))).toContain("KV3006");
    expect(refusal(() => outOf(graph, { x: list(1, 2) }, { i: 3 }))).toContain("KV2103");
  });

  it("admit infinities where the graph asks for them", () => {
    const asking = each((b, v) => b.select(b.equal(v, b.constant(-Infinity)), b.zero, v));
    expect(outOf(asking, { x: list(-Infinity, 2) })).toEqual([0, 2]);
    expect(refusal(() => outOf(each((_, v) => v), { x: list(-Infinity) }))).toContain("KV3006");
  });
});

it("takes a graph of any depth that the call stack holds, and any size of axis of none", () => {
  const deep = each((b, v) => Array.from({ length: 1000 }).reduce<Value>((value) => b.apply("sin", [value]), v));
  expect(outOf(deep, { x: list(1) })[0]).toBeCloseTo(0.0547, 3);
  expect(outOf(coupledAttention(4, 8, 2, 1), {
    q: { shape: [2, 8], data: new Float32Array(16) },
    "keys.codes": { shape: [0, 1, 2], data: new Uint8Array() }, "keys.book": { shape: [1, 2, 256, 4], data: new Float32Array(2048) },
    "values.codes": { shape: [0, 1, 2], data: new Uint8Array() }, "values.book": { shape: [1, 2, 256, 4], data: new Float32Array(2048) },
  })).toEqual(Array.from({ length: 16 }, () => 0));
});
