/** @file Graphs written by hand, serialised as `compileFile` gives them. */

import { GraphBuilder } from "../../spec/graph/builder";
import { saveGraph, type SerialisedGraph } from "../../spec/graph/json";
import type { Tensor } from "../../spec/graph/node";

/** out[n] = x[n] === −∞ ? 0 : 2·x[n] + codes[n]; nearest[n] = codes[n] over 4. */
export function masked(): SerialisedGraph {
  const x: Tensor = { name: "x", element: { kind: "f32" }, axes: ["n"] };
  const codes: Tensor = { name: "codes", element: { kind: "uint", bits: 4 }, axes: ["n"] };
  const out: Tensor = { name: "out", element: { kind: "f32" }, axes: ["n"] };
  const nearest: Tensor = { name: "nearest", element: { kind: "uint", bits: 2 }, axes: ["n"] };
  const b = new GraphBuilder();
  const n = b.index("n", b.extent("n"));
  const value = b.load(x, [n]);
  const code = b.load(codes, [n]);
  return saveGraph({
    name: "masked",
    axes: [{ name: "n" }],
    inputs: [x, codes],
    outputs: [out, nearest],
    stores: [
      { output: out, indices: [n], value: b.select(b.equal(value, b.constant(-Infinity)), b.zero, b.linear(0, [[2, value], [1, code]])) },
      { output: nearest, indices: [n], value: b.quotient(code, b.constant(4)) },
    ],
    obligations: [],
    spans: new Map(),
  });
}
