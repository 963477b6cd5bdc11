import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../spec/graph/builder";
import { loadGraph, saveGraph } from "../../spec/graph/json";
import type { Graph, Tensor, Value } from "../../spec/graph/node";
import { printGraph, printValue } from "../../spec/graph/print";
import { nonNegative } from "../../spec/graph/prove";
import { faults } from "../../spec/graph/validate";
import { KvernError } from "../../spec/diagnostics/diagnostic";

const f32 = (name: string, ...axes: readonly string[]): Tensor => ({ name, element: { kind: "f32" }, axes });
const uint = (bits: number, name: string, ...axes: readonly string[]): Tensor => ({ name, element: { kind: "uint", bits }, axes });

/** A softmax-weighted sum over tokens, written as a library would: the maximum inside the exponential. */
function weighted(): { g: GraphBuilder; graph: Graph } {
  const g = new GraphBuilder();
  const [q, k, v, out] = [f32("q", "channel"), f32("k", "token", "channel"), f32("v", "token", "channel"), f32("out", "channel")];
  const [T, D] = [g.extent("token"), g.extent("channel")];
  const c = g.index("channel", D);
  let fresh = 10;
  const over = (op: "sum" | "max", axis: string, extent: Value, f: (i: Value) => Value): Value => {
    const index = g.index(axis, extent, fresh++);
    return g.reduce(op, index, f(index));
  };
  const score = (t: Value): Value => g.divide(over("sum", "channel", D, (x) => g.multiply(g.load(q, [x]), g.load(k, [t, x]))), g.apply("sqrt", [D]));
  const peak = over("max", "token", T, score);
  const shift = g.select(g.equal(peak, g.constant(-Infinity)), g.zero, peak);
  const raw = (t: Value): Value => g.apply("exp", [g.subtract(score(t), shift)]);
  const total = over("sum", "token", T, raw);
  const norm = g.select(g.equal(total, g.zero), g.one, total);
  const value = over("sum", "token", T, (t) => g.multiply(g.divide(raw(t), norm), g.load(v, [t, c])));
  const graph: Graph = {
    name: "weighted", axes: [{ name: "token" }, { name: "channel" }], inputs: [q, k, v], outputs: [out],
    stores: [{ output: out, indices: [c], value }], obligations: [], spans: new Map(),
  };
  return { g, graph };
}

describe("a graph", () => {
  it("shares the score inside the maximum and inside the exponential, and moves factors out of sums", () => {
    const { g, graph } = weighted();
    expect(printGraph(g, graph)).toMatchInlineSnapshot(`
      "kernel weighted
      axes token, channel
      input q: f32[channel]
      input k: f32[token, channel]
      input v: f32[token, channel]
      output out: f32[channel]
      %1[token] = extent(channel)^-0.5 * (sum channel < extent(channel): q[channel] * k[token, channel])
      %2 = (max token < extent(token): %1[token])
      %3[token] = exp(-(%2 = -Infinity ? 0 : %2) + %1[token])
      %4 = (sum token < extent(token): %3[token])
      out[channel] = (sum token < extent(token): (%4 = 0 ? 1 : %4)^-1 * %3[token] * v[token, channel])"
    `);
    expect(faults(graph)).toEqual([]);
  });

  it("survives a round trip through JSON unchanged", () => {
    const { g, graph } = weighted();
    const saved = JSON.parse(JSON.stringify(saveGraph(graph))) as unknown;
    const back = loadGraph(saved);
    expect(printGraph(back.builder, back.graph)).toBe(printGraph(g, graph));
    expect(saveGraph(back.graph)).toEqual(saved);
  });

  it.each([
    ["no record", 7, "the graph is no record"],
    ["another format", { format: "onnx" }, 'its format is "onnx"'],
    ["a later version", { format: "kvern-graph", version: 2 }, "its version is 2"],
  ])("refuses %s", (_, json, message) => {
    expect(() => loadGraph(json)).toThrow(KvernError);
    expect(() => loadGraph(json)).toThrow(message);
  });

  it("refuses every graph in which one number, string or list was replaced, or reads a valid one", () => {
    const text = JSON.stringify(saveGraph(weighted().graph));
    const places = [...text.matchAll(/-?\d+|"[^"]*"|\[\]/g)];
    let refused = 0;
    for (const place of places) {
      for (const other of ["999", '"__proto__"', "null", "-1", "[]"]) {
        const mutant = text.slice(0, place.index) + other + text.slice(place.index + place[0].length);
        let json: unknown;
        try {
          json = JSON.parse(mutant);
        } catch {
          continue;
        }
        try {
          expect(faults(loadGraph(json).graph)).toEqual([]);
        } catch (error) {
          if (!(error instanceof KvernError)) throw error;
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(places.length);
  });
});

describe("normal forms", () => {
  const g = new GraphBuilder();
  const i = g.index("i", g.constant(64));
  const j = g.index("j", g.extent("j"));
  const x = g.load(f32("x", "i"), [i]);
  const y = g.load(f32("y", "j"), [j]);
  const show = (value: Value): string => printValue(g, value);

  it.each<[string, () => Value, string]>([
    ["⌊(8a + b) / 8⌋ where b < 8", () => g.floor(g.divide(g.add(g.scale(8, j), g.remainder(i, g.constant(8))), g.constant(8))), "j"],
    ["thirds", () => g.floor(g.divide(g.scale(2, i), g.constant(3))), "(2 * i) // 3"],
    ["a quotient of a quotient", () => g.floor(g.divide(g.floor(g.divide(i, g.constant(4))), g.constant(2))), "i // 8"],
    ["8 a + b < 64 as a bound on a", () => g.less(g.add(g.scale(8, j), g.remainder(i, g.constant(8))), g.constant(64)), "j < 8"],
    ["i < 64 on an axis of 64", () => g.less(i, g.constant(64)), "true"],
    ["not i < 3", () => g.not(g.less(i, g.constant(3))), "2 < i"],
    ["x / x, x unknown", () => g.divide(x, x), "x[i] * x[i]^-1"],
    ["x * 0", () => g.multiply(x, g.zero), "0"],
    ["-∞ + x", () => g.add(x, g.constant(-Infinity)), "-Infinity"],
    ["exp of a guarded -∞", () => g.apply("exp", [g.select(g.less(x, g.zero), x, g.constant(-Infinity))]), "x[i] < 0 ? exp(x[i]) : 0"],
    ["a factor leaves a sum", () => g.reduce("sum", j, g.multiply(x, y)), "x[i] * (sum j < extent(j): y[j])"],
    ["a divisor that may be 0 stays in", () => g.reduce("sum", j, g.divide(y, x)), "(sum j < extent(j): x[i]^-1 * y[j])"],
    ["a divisor leaves a loop that is never empty", () => g.reduce("sum", i, g.divide(x, y)), "y[j]^-1 * (sum i < 64: x[i])"],
    ["a guarded term becomes a guarded sum", () => g.reduce("sum", j, g.select(g.less(y, g.zero), y, g.zero)), "(sum j < extent(j) | y[j] < 0: y[j])"],
    ["a guarded −∞ becomes a guarded maximum", () => g.reduce("max", j, g.select(g.less(g.zero, y), y, g.constant(-Infinity))), "(max j < extent(j) | 0 < y[j]: y[j])"],
    ["a negative factor stays in a maximum", () => g.reduce("max", j, g.scale(-2, y)), "(max j < extent(j): -2 * y[j])"],
    ["an axis of one position", () => g.reduce("sum", g.index("one", g.one), x), "x[i]"],
    ["√x² is not x", () => g.apply("sqrt", [g.power(x, g.constant(2))]), "(x[i]^2)^0.5"],
  ])("%s", (_, build, printed) => {
    expect(show(build())).toBe(printed);
  });

  it("never captures: an index substituted under a binder of its own axis stays free", () => {
    const other = g.index("j", g.extent("j"), 1);
    const sum = g.reduce("sum", other, g.multiply(g.load(f32("y", "j"), [other]), g.add(y, x)));
    const moved = g.substitute(g.reduce("sum", i, sum), new Map([[j, g.index("j", g.extent("j"), 5)]]));
    expect(moved.free).toEqual(["j@5"]);
  });

  it("gives alpha-equal reductions one node", () => {
    const sum = (k: number): Value => {
      const index = g.index("j", g.extent("j"), k);
      return g.reduce("sum", index, g.load(f32("y", "j"), [index]));
    };
    expect(sum(3)).toBe(sum(7));
  });
});

describe("the prover", () => {
  const g = new GraphBuilder();
  const [H, K, T, n] = ["H", "K", "T", "n"].map((axis) => g.extent(axis)) as [Value, Value, Value, Value];
  const h = g.index("H", H);
  const t = g.index("T", T);
  const code = g.load(uint(4, "codes", "T"), [t]);
  const inside = (index: Value, extent: Value, under: readonly Value[] = []): boolean =>
    nonNegative(index, under) && nonNegative(g.linear(-1, [[1, extent], [-1, index]]), under);

  it.each<[string, () => boolean, boolean]>([
    ["t on its own axis", () => inside(t, T), true],
    ["t + 1", () => inside(g.add(t, g.one), T), false],
    ["min(t + 1, T − 1)", () => inside(g.smaller(g.add(t, g.one), g.linear(-1, [[1, T]])), T), true],
    ["clamp(t − 3, T)", () => inside(g.clamp(g.linear(-3, [[1, t]]), T), T), true],
    ["clamp(t, n), where n may be empty", () => inside(g.clamp(t, n), n), false],
    ["T − 1 − t", () => inside(g.linear(-1, [[1, T], [-1, t]]), T), true],
    ["the group of a head", () => inside(g.quotient(h, g.quotient(H, K)), K), true],
    ["a 4-bit code in 16", () => inside(code, g.constant(16)), true],
    ["a 4-bit code in 15", () => inside(code, g.constant(15)), false],
    ["t where t < n, in n", () => inside(t, n, [g.linear(-1, [[1, n], [-1, t]])]), true],
    ["t − n where n ≤ t, in T", () => inside(g.subtract(t, n), T, [g.subtract(t, n)]), true],
    ["t % n in n", () => inside(g.remainder(t, n), n), true],
    ["⌊t / 8⌋ in T", () => inside(g.quotient(t, g.constant(8)), T), true],
  ])("%s", (_, prove, expected) => {
    expect(prove()).toBe(expected);
  });
});
