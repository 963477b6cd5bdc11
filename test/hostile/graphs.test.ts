import { describe, expect, test } from "vitest";

import { loadGraph } from "../../spec/graph/json";
import { DEEPEST } from "../../spec/graph/node";
import { openDevice, tensor } from "../../runtime/index";
import { describeOnDevice, device } from "../device/harness";

interface Portable {
  name: string;
  axes: { name: string; extent?: number }[];
  inputs: { name: string; element: object; axes: string[] }[];
  readonly nodes: unknown[][];
  stores: { output: string; indices: number[]; value: number }[];
  readonly [field: string]: unknown;
}

/** `out[n] = x[n]`, as a file has it. */
const portable = (): Portable => ({
  format: "kvern-graph", version: 1, name: "k",
  axes: [{ name: "n" }],
  inputs: [{ name: "x", element: { kind: "f32" }, axes: ["n"] }],
  outputs: [{ name: "out", element: { kind: "f32" }, axes: ["n"] }],
  nodes: [["truth", true], ["extent", "n"], ["index", "n", "n@0", 1], ["load", 0, [2]]],
  stores: [{ output: "out", indices: [2], value: 3 }],
  obligations: [], spans: [], files: ["k.ts"],
});

/** `depth` halvings and squarings, one upon the other. */
function chain(depth: number): Portable {
  const graph = portable();
  while (graph.nodes.length - 2 < depth) {
    const top = graph.nodes.length - 1;
    graph.nodes.push(graph.nodes.length % 2 === 0 ? ["linear", 0.25, [[0.5, top]]] : ["product", [[top, 2]]]);
  }
  graph.stores[0] = { output: "out", indices: [2], value: graph.nodes.length - 1 };
  return graph;
}

const changed = (change: (graph: Portable) => void): Portable => {
  const graph = portable();
  change(graph);
  return graph;
};

describe("graphs that nobody's compiler wrote are refused, soon", () => {
  test.each<[what: string, graph: () => unknown, says: string]>([
    ["one that nests beyond the call stack", () => chain(20_000), `it nests 20001 deep, more than ${DEEPEST}`],
    ["an output stored twenty thousand times", () => changed((graph) => (graph.stores = Array.from({ length: 20_000 }, () => ({ output: "out", indices: [2], value: 3 })))), "an output is stored into twice"],
    ["a name that is a program", () => changed((graph) => (graph.name = "k() {} @compute fn evil")), "it is called"],
    ["an input whose name ends a comment", () => changed((graph) => (graph.inputs = [{ name: "x */ fn", element: { kind: "f32" }, axes: ["n"] }])), "a tensor is called"],
    ["an axis that every object has", () => changed((graph) => (graph.axes = [{ name: "n" }, { name: "__proto__" }])), "an axis is called"],
    ["elements of a thousand million bits", () => changed((graph) => (graph.inputs = [{ name: "x", element: { kind: "uint", bits: 1e9 }, axes: ["n"] }])), "elements of 1000000000 bits"],
    ["lists in lists in lists", () => changed((graph) => void graph.nodes.push(JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown[])), "a node's kind"],
    ["a prototype for a graph", () => JSON.parse('{"__proto__":{"format":"kvern-graph","version":1},"constructor":{"prototype":{"polluted":1}}}') as unknown, "its format is nothing"],
  ])("%s", (_, graph, says) => {
    expect(() => loadGraph(graph())).toThrow(says);
    expect("polluted" in {}).toBe(false);
  });
});

describeOnDevice("the deepest graph that is read", () => {
  // x ← (x/2 + 1/4) and x ← x², which 1/2 stays near.
  test("runs everywhere", { timeout: 60_000 }, async () => {
    const graph = chain(DEEPEST - 3);
    const x = tensor([2], [0.5, 0.25]);
    const meant = await (await (await openDevice({ backend: "interpreter" })).prepare(graph)).run({ x });
    for (const plans of ["direct", "folds"] as const) {
      const got = await (await device().prepare(graph, { plans })).run({ x });
      expect(Array.from(got["out"]?.data ?? [], (value, at) => Math.abs(value - (meant["out"]?.data[at] ?? NaN)) < 1e-6)).toEqual([true, true]);
    }
    const cpu = await openDevice({ backend: "gpujs", mode: "cpu" });
    expect(Array.from((await (await cpu.prepare(graph)).run({ x }))["out"]?.data ?? []).length).toBe(2);
    await cpu.close();
  });
});
