/** @file The bound of every construct at a few places, as the interpreter gives it: what a change of a rule makes of it shows here. */

import { expect, test } from "vitest";
import { GraphBuilder } from "../../spec/graph/builder";
import { type Element, type Graph, UNARY_FUNCTIONS, type Tensor, type Value } from "../../spec/graph/node";
import { interpretWithBound, type BoundedTensor, type BoundOptions } from "../../spec/interpreter";
import { coupledAttention, f16, f32, graphOf, softmaxOf, tensorOf } from "../interpreter/sample";
import { sample } from "../emit/random";
import { reals } from "../emit/programs";

const digits = (value: number): string => (Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value + 0) : value.toPrecision(6));
const shown = ({ data, bound, undecided }: BoundedTensor, most = Infinity): readonly string[] =>
  [...data].slice(0, most).map((value, at) => `${digits(value)} ± ${digits(bound[at] ?? NaN)}${undecided[at] === 1 ? " ?" : ""}`);
const bounded = (graph: Graph, inputs: Parameters<typeof interpretWithBound>[1], options: BoundOptions = {}): readonly string[] =>
  Object.values(interpretWithBound(graph, inputs, options)).flatMap((tensor) => shown(tensor));

/** out[i] = body(x[i], y[i]) for numbers given in pairs. */
function pointwise(body: (b: GraphBuilder, x: Value, y: Value) => Value, pairs: readonly (readonly [number, number])[], element: Element = f32, given: Element = f32): readonly string[] {
  const b = new GraphBuilder();
  const [x, y] = [tensorOf("x", ["i"], given), tensorOf("y", ["i"], given)];
  const graph = graphOf(b, [x, y], tensorOf("out", ["i"], element), (i = b.zero) => body(b, b.load(x, [i]), b.load(y, [i])));
  return bounded(graph, { x: { shape: [pairs.length], data: pairs.map(([first]) => first) }, y: { shape: [pairs.length], data: pairs.map(([, second]) => second) } }, {});
}

const PLACES = [0, 1e-30, 0.25, -0.25, 0.75, 1, -1, 1.5, 2.5, -2.5, 7, -7, 40, 300];

test("functions, of a number that is exact and of one that is not", async () => {
  const lines = UNARY_FUNCTIONS.flatMap((fn) => {
    const exact = pointwise((b, x) => b.apply(fn, [x]), PLACES.map((x) => [x, 1]));
    const carried = pointwise((b, x, y) => b.apply(fn, [b.divide(b.multiply(x, b.add(y, b.constant(0.1))), b.add(y, b.constant(0.1)))]), PLACES.map((x) => [x, 1]));
    return [fn, ...PLACES.map((x, at) => `  ${x}: ${exact[at] ?? ""}; ${carried[at] ?? ""}`)];
  });
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("bounds/functions.txt");
});

const PAIRS = [[0, 1], [1, 0.5], [-1, 3], [2, -0.5], [-3, 2], [0.1, 0.1], [5, 5], [1e-20, 1e-20], [1e30, 1e10], [-0.3, -0.3000001]] as const;
type Body = (b: GraphBuilder, x: Value, y: Value) => Value;
const tenth = (b: GraphBuilder, x: Value): Value => b.multiply(x, b.constant(0.1));
const OPERATIONS: Readonly<Record<string, Body>> = {
  sum: (b, x, y) => b.add(x, y), difference: (b, x, y) => b.subtract(tenth(b, x), tenth(b, y)), "a linear form": (b, x, y) => b.linear(0.5, [[0.3, x], [-2, y]]), product: (b, x, y) => b.multiply(x, y, y),
  quotient: (b, x, y) => b.divide(x, y), "quotient of what is not exact": (b, x, y) => b.divide(tenth(b, x), b.add(tenth(b, y), x)), cube: (b, x) => b.power(x, b.constant(3)), "power of a difference": (b, x, y) => b.power(b.subtract(x, y), b.constant(-2)),
  root: (b, x) => b.product([[b.apply("abs", [x]), 0.5]]), "fractional power": (b, x) => b.product([[b.apply("abs", [x]), -1.3]]), pow: (b, x, y) => b.apply("pow", [b.apply("abs", [x]), y]), atan2: (b, x, y) => b.apply("atan2", [x, y]),
  remainder: (b, x, y) => b.remainder(x, y), floor: (b, x, y) => b.floor(b.divide(x, y)), larger: (b, x, y) => b.larger(tenth(b, x), tenth(b, y)), smaller: (b, x, y) => b.smaller(tenth(b, x), b.multiply(y, y)),
  "choice that is sure": (b, x, y) => b.select(b.less(x, y), b.scale(3, x), y), "choice that may fall either way": (b, x, y) => b.select(b.less(tenth(b, x), tenth(b, y)), b.scale(3, x), y),
  "equality that may fall either way": (b, x, y) => b.select(b.equal(tenth(b, x), tenth(b, y)), b.one, b.scale(2, x)), "at most": (b, x, y) => b.select(b.atMost(tenth(b, x), tenth(b, y)), b.one, b.zero),
  "both of two conditions": (b, x, y) => b.select(b.and(b.less(tenth(b, x), tenth(b, y)), b.less(x, b.one)), x, y), "one of two conditions": (b, x, y) => b.select(b.or(b.less(tenth(b, x), tenth(b, y)), b.less(x, b.zero)), x, y), "not a condition": (b, x, y) => b.select(b.not(b.less(tenth(b, x), tenth(b, y))), x, y),
  "a choice in an exponent": (b, x, y) => b.apply("exp", [b.select(b.less(x, y), b.subtract(x, y), b.subtract(y, x))]), "a difference that cancels": (b, x, y) => b.subtract(b.multiply(b.add(x, y), x), b.multiply(x, x)), "a product of exponentials": (b, x, y) => b.multiply(b.apply("exp", [b.negate(x)]), b.apply("exp", [b.scale(0.5, y)])),
};

test("operations on reals, to f32 and to f16", async () => {
  const lines = Object.entries(OPERATIONS).flatMap(([name, body]) => {
    const [whole, half] = [pointwise(body, PAIRS), pointwise(body, PAIRS, f16)];
    return [name, ...PAIRS.map(([x, y], at) => `  ${x}, ${y}: ${whole[at] ?? ""}; ${half[at] ?? ""}`)];
  });
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("bounds/operations.txt");
});

test("operations on integers", () => {
  const i32: Element = { kind: "i32" };
  const pairs = [[7, 3], [-7, 3], [0, 5], [2147483647, 2], [6, 6]] as const;
  const operations: Readonly<Record<string, Body>> = {
    sum: (b, x, y) => b.add(x, y), product: (b, x, y) => b.multiply(x, y), quotient: (b, x, y) => b.quotient(x, y), remainder: (b, x, y) => b.remainder(x, y), and: (b, x, y) => b.bitwise("&", x, y), or: (b, x, y) => b.bitwise("|", x, y), xor: (b, x, y) => b.bitwise("^", x, y),
    left: (b, x, y) => b.bitwise("<<", x, y), right: (b, x, y) => b.bitwise(">>", x, y), "real": (b, x, y) => b.apply("round", [b.multiply(b.constant(0.5), b.add(x, y))]), "larger": (b, x, y) => b.larger(x, y),
  };
  expect(Object.entries(operations).map(([name, body]) => `${name}: ${pointwise(body, pairs, i32, i32).join("; ")}`).join("\n")).toMatchInlineSnapshot(`
    "sum: 10 ± 0; -4 ± 0; 5 ± 0; 2.14748e+9 ± 512.001; 12 ± 0
    product: 21 ± 0; -21 ± 0; 0 ± 0; 2.14748e+9 ± 1024.00; 36 ± 0
    quotient: 2 ± 0; -3 ± 0; 0 ± 0; 1.07374e+9 ± 128 ?; 1 ± 0
    remainder: 1 ± 0; -1 ± 0; 0 ± 0; 1 ± 2176.00 ?; 0 ± 0
    and: 3 ± 0; 1 ± 0; 0 ± 0; 2 ± Infinity ?; 6 ± 0
    or: 7 ± 0; -5 ± 0; 5 ± 0; 2.14748e+9 ± Infinity ?; 6 ± 0
    xor: 4 ± 0; -6 ± 0; 5 ± 0; 2.14748e+9 ± Infinity ?; 0 ± 0
    left: 56 ± 0; -56 ± 0; 0 ± 0; -4 ± Infinity ?; 384 ± 0
    right: 0 ± 0; -1 ± 0; 0 ± 0; 5.36871e+8 ± Infinity ?; 0 ± 0
    real: 5 ± 0; -2 ± 0; 3 ± 1 ?; 1.07374e+9 ± 385 ?; 6 ± 0
    larger: 7 ± 0; 3 ± 0; 5 ± 0; 2.14748e+9 ± 256.000; 6 ± 0"
  `);
});

const LENGTHS = [0, 1, 2, 9, 40];

test("reductions: of exact terms, of others, behind guards that may fall either way, with references replaced", async () => {
  const bodies: Readonly<Record<string, (b: GraphBuilder, at: (tensor: "x" | "w", c: Value) => Value) => Value>> = Object.fromEntries((["sum", "max", "min", "argmax", "argmin"] as const).flatMap((op) => {
    const over = (name: string, body: (b: GraphBuilder, x: Value, w: Value, c: Value) => Value, where: (b: GraphBuilder, x: Value, w: Value, c: Value) => Value = (b) => b.true) =>
      [`${op} of ${name}`, (b: GraphBuilder, at: (tensor: "x" | "w", c: Value) => Value): Value => {
        const c = b.index("column", b.extent("column"), 5);
        return b.reduce(op, c, body(b, at("x", c), at("w", c), c), where(b, at("x", c), at("w", c), c));
      }] as const;
    return [
      over("exact terms", (_b, x) => x), over("products", (b, x, w) => b.multiply(x, w, b.constant(0.1))), over("positions", (_b, _x, _w, c) => c), over("what a sure guard lets pass", (b, x, w) => b.multiply(x, w), (b, x) => b.less(b.zero, x)),
      over("what an unsure guard lets pass", (b, x, w) => b.multiply(x, w), (b, x, w) => b.less(b.multiply(x, w), b.multiply(w, x, b.constant(0.1), b.constant(10)))), over("exponentials", (b, x) => b.apply("exp", [b.scale(3, x)])),
    ];
  }));
  const more: typeof bodies = {
    any: (b, at) => {
      const c = b.index("column", b.extent("column"), 5);
      return b.select(b.reduce("any", c, b.less(b.multiply(at("x", c), b.constant(0.1)), b.multiply(at("w", c), b.constant(0.1)))), b.one, b.zero);
    },
    "weighted mean": (b, at) => {
      const c = b.index("column", b.extent("column"), 7);
      return b.reduce("sum", c, b.multiply(softmaxOf(b, "column", (t) => b.scale(2, at("x", t)), 5)(c), at("w", c)));
    },
    "log of a sum": (b, at) => {
      const [c, d] = [b.index("column", b.extent("column"), 5), b.index("column", b.extent("column"), 6)];
      const peak = b.reduce("max", c, at("x", c));
      return b.add(peak, b.apply("log", [b.reduce("sum", d, b.apply("exp", [b.subtract(at("x", d), peak)]))]));
    },
    variance: (b, at) => {
      const [c, d] = [b.index("column", b.extent("column"), 5), b.index("column", b.extent("column"), 6)];
      const mean = b.divide(b.reduce("sum", c, at("x", c)), b.larger(b.one, b.extent("column")));
      return b.divide(b.reduce("sum", d, b.power(b.subtract(at("x", d), mean), b.constant(2))), b.larger(b.one, b.extent("column")));
    },
    "element at the best place": (b, at) => {
      const c = b.index("column", b.extent("column"), 5);
      return at("w", b.clamp(b.reduce("argmax", c, b.multiply(at("x", c), at("w", c))), b.extent("column")));
    },
    "sum of sums": (b, at) => {
      const [c, d] = [b.index("column", b.extent("column"), 5), b.index("column", b.extent("column"), 6)];
      return b.reduce("sum", c, b.multiply(at("x", c), b.reduce("sum", d, b.multiply(at("w", d), at("x", d)), b.atMost(d, c))));
    },
  };
  const [x, w] = [tensorOf("x", ["column"]), tensorOf("w", ["column"])];
  const lines = Object.entries({ ...bodies, ...more }).map(([name, body]) => {
    const b = new GraphBuilder();
    const graph = graphOf(b, [x, w], tensorOf("out", []), () => body(b, (tensor, c) => b.load(tensor === "x" ? x : w, [c])));
    const found = LENGTHS.map((column) => (name.startsWith("element") && column === 0 ? "" : [undefined, 0, 3].map((rescalings) => bounded(graph, { x: reals([column], 3), w: reals([column], 9) }, rescalings === undefined ? {} : { rescalings }).join()).filter((text, k, all) => k === 0 || text !== all[0]).join(" | ")));
    return `${name}\n${found.map((text, k) => `  ${LENGTHS[k] ?? ""}: ${text}`).join("\n")}`;
  });
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("bounds/reductions.txt");
});

test("attention over codes", () => {
  const graph = coupledAttention(2, 4, 2, 1);
  const at = ({ name, axes }: Tensor): readonly number[] => axes.map((axis) => graph.axes.find((each) => each.name === axis)?.extent ?? (name === "" ? 0 : 5));
  const inputs = Object.fromEntries(graph.inputs.map((tensor, seed) => [tensor.name, tensor.element.kind === "uint" ? { shape: at(tensor), data: Array.from({ length: at(tensor).reduce((a, c) => a * c, 1) }, (_, k) => (k * 37 + seed) % 256) } : reals(at(tensor), seed + 1, 2)]));
  expect(bounded(graph, inputs)).toMatchInlineSnapshot(`
    [
      "1.13463 ± 0.00000837048",
      "0.862606 ± 0.00000605576",
      "-0.617254 ± 0.00000502079",
      "-0.273433 ± 0.00000552567",
      "0.121971 ± 0.00000361995",
      "1.02064 ± 0.00000637576",
      "-0.586294 ± 0.00000606169",
      "0.409664 ± 0.00000597340",
    ]
  `);
});

test("graphs drawn at random", async () => {
  const lines = Array.from({ length: 60 }, (_, seed) => {
    const { graph, inputs } = sample(seed + 1000);
    return `${seed}: ${Object.entries(interpretWithBound(graph, inputs)).map(([name, tensor]) => `${name} ${shown(tensor, 6).join("; ")}`).join(" | ")}`;
  });
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("bounds/random.txt");
});
