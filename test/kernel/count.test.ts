import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Tensor, Value } from "../../spec/graph/node";
import { countOf } from "../../compiler/kernel/count";
import type { Kernel, KernelArray, Stage } from "../../compiler/kernel/kernel";

const b = new GraphBuilder();
const LANES = 4;

const tensor = (name: string, axes: readonly string[], element: Tensor["element"] = { kind: "f32" }): Tensor => ({ name, element, axes });
const index = (axis: string, extent: Value): Index => b.index(axis, extent) as Index;
const array = (of: Tensor, space: KernelArray["space"]): KernelArray => ({ name: of.name, element: of.element, space, infinite: false, shape: of.axes.map((axis) => b.extent(axis)) });

/** `out[i] = value` with one lane for each position i of `n`, four lanes to a workgroup. */
function perElement(arrays: readonly KernelArray[], value: (i: Index) => Value): Kernel {
  const n = b.extent("n");
  const group = index("group", b.quotient(b.linear(LANES - 1, [[1, n]]), b.constant(LANES)));
  const lane = index("lane", b.constant(LANES));
  const i = index("n", n);
  const flat = b.linear(0, [[LANES, group], [1, lane]]);
  const stage: Stage = {
    kind: "stage",
    lanes: [lane],
    digits: [{ index: i, value: flat }],
    block: [],
    vector: undefined,
    roles: {},
    inside: b.less(flat, n),
    otherwise: undefined,
    items: [{ kind: "assign", array: "out", indices: [i], op: "=", value: value(i), over: [], where: b.true }],
  };
  return { name: "out", grid: [group], lanes: LANES, arrays: [...arrays, array(tensor("out", ["n"]), "buffer")], body: [stage] };
}

const x = tensor("x", ["n"]);
const table = tensor("table", ["m"]);
const codes = tensor("codes", ["n"], { kind: "uint", bits: 8 });

describe("bytes", () => {
  test("what every lane reads of its own counts once each, also in a ragged last workgroup", () => {
    const kernel = perElement([array(x, "input")], (i) => b.load(x, [i]));
    expect(countOf(kernel, { n: 10 }, b)).toMatchObject({ workgroups: 3, bytesRead: 40, bytesWritten: 40 });
  });

  test("what all lanes of a workgroup read counts once for the workgroup", () => {
    const kernel = perElement([array(table, "input")], (i) => {
      const m = index("m", b.extent("m"));
      return b.multiply(i, b.reduce("sum", m, b.load(table, [m])));
    });
    expect(countOf(kernel, { n: 8, m: 100 }, b)).toMatchObject({ workgroups: 2, bytesRead: 2 * 400, bytesWritten: 32 });
  });

  test("what is found through another element is at most the whole tensor, and packed elements count by their bits", () => {
    const kernel = perElement([array(codes, "input"), array(table, "input")], (i) => b.load(table, [b.load(codes, [i])]));
    // Four codes of a byte and four elements to each workgroup; of a table of two elements, two.
    expect(countOf(kernel, { n: 8, m: 256 }, b).bytesRead).toBe(2 * (4 + 16));
    expect(countOf(kernel, { n: 8, m: 2 }, b).bytesRead).toBe(2 * (4 + 8));
  });

  test("what is set and then added to, step by step, is the same memory, stored once and read once", () => {
    const m = index("m", b.extent("m"));
    const bins = tensor("bins", ["v"]);
    const keys = tensor("keys", ["m"], { kind: "uint", bits: 2 });
    const v = index("v", b.constant(4));
    const lane = index("lane", b.constant(LANES));
    const stage: Stage = {
      kind: "stage", lanes: [lane], digits: [], block: [], vector: undefined, roles: {}, inside: b.less(lane, b.constant(1)), otherwise: undefined,
      items: [
        { kind: "assign", array: "bins", indices: [v], op: "=", value: b.constant(0), over: [v], where: b.true },
        { kind: "assign", array: "bins", indices: [b.load(keys, [m])], op: "+=", value: b.constant(1), over: [m], where: b.true },
      ],
    };
    const bin: KernelArray = { ...array(bins, "buffer"), shape: [b.constant(4)] };
    const kernel: Kernel = { name: "bins", grid: [], lanes: LANES, arrays: [array(keys, "input"), bin], body: [stage] };
    // 100 keys of two bits, and the bins once.
    expect(countOf(kernel, { m: 100 }, b)).toMatchObject({ workgroups: 1, bytesRead: 25 + 16, bytesWritten: 16 });
  });

  test("nothing is read for an axis without positions", () => {
    const kernel = perElement([array(x, "input")], (i) => b.load(x, [i]));
    expect(countOf(kernel, { n: 0 }, b)).toEqual({ workgroups: 0, bytesRead: 0, bytesWritten: 0, operations: 0, traffic: [], guards: [] });
  });
});

describe("operations", () => {
  test("a value inside a loop counts for every step, one outside it once for the lane", () => {
    const root = (i: Index): Value => b.apply("exp", [b.load(x, [i])]);
    const kernel = perElement([array(x, "input"), array(table, "input")], (i) => {
      const m = index("m", b.extent("m"));
      return b.reduce("sum", m, b.apply("exp", [b.larger(b.load(table, [m]), root(i))]));
    });
    // exp(x) is once for each of the 8 lanes; the larger, its exp and the sum for each step. The guard compares positions.
    expect(countOf(kernel, { n: 8, m: 10 }, b).operations).toBe(8 + 8 * 10 * 3);
  });
});

describe("guards over positions", () => {
  /** `out[i] = Σ_{m ≤ i} table[m]`. */
  const causal = perElement([array(table, "input")], (i) => {
    const m = index("m", b.extent("m"));
    return b.reduce("sum", m, b.load(table, [m]), b.atMost(m, i));
  });

  test("leave out what they hide, of loops and of bytes", () => {
    const { bytesRead, guards } = countOf(causal, { n: 8, m: 8 }, b);
    // The first workgroup reads up to position 3, the second up to 7.
    expect(bytesRead).toBe(4 * 4 + 8 * 4);
    expect(guards.map(({ live, mixed, dead }) => [live, mixed, dead])).toEqual([[0, 2, 0]]);
  });

  test("are counted at evenly spaced workgroups where there are many: of half a square, half", () => {
    const { workgroups, bytesRead } = countOf(causal, { n: 4096, m: 4096 }, b);
    expect(workgroups).toBe(1024);
    expect(Math.abs(bytesRead / (1024 * 4 * 4096) - 0.5)).toBeLessThan(1 / 1024);
  });
});
