import { expect, test } from "vitest";

import { discharge } from "../../runtime/obligations";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Obligation, Tensor, Value } from "../../spec/graph/node";
import type { Sizes } from "../../spec/tensor/check";

const x: Tensor = { name: "x", element: { kind: "f32" }, axes: ["n"] };
const codes: Tensor = { name: "codes", element: { kind: "uint", bits: 4 }, axes: ["t"] };
const out: Tensor = { name: "out", element: { kind: "f32" }, axes: ["t"] };

/** What is refused of a claim that an index lies in `n`, for sizes of `t` and `n`. */
function refused(claim: (b: GraphBuilder, t: Value, n: Value) => Obligation["claim"], sizes: Sizes): string {
  const b = new GraphBuilder();
  const t = b.index("t", b.extent("t"));
  const span = { file: "k.ts", line: 3, column: 7, endLine: 3, endColumn: 9 };
  const graph: Graph = {
    name: "k",
    axes: [{ name: "t" }, { name: "n" }],
    inputs: [x, codes],
    outputs: [out],
    stores: [{ output: out, indices: [t], value: b.zero }],
    obligations: [{ claim: claim(b, t, b.extent("n")), span }],
    spans: new Map(),
  };
  try {
    discharge(graph, sizes);
  } catch (fault) {
    if (fault instanceof KvernError) return fault.message.split("\n")[0] ?? "";
    throw fault;
  }
  return "";
}

const inside = (index: Value, ...under: Value[]): Obligation["claim"] => ({ kind: "inside", index, axis: "n", of: "x", under });

test("an index that depends on sizes is held to them, at the place where it was written", () => {
  const next = (b: GraphBuilder, t: Value): Obligation["claim"] => inside(b.add(t, b.one));
  expect(refused(next, { t: 4, n: 5 })).toBe("");
  expect(refused(next, { t: 0, n: 0 })).toBe("");
  expect(refused(next, { t: 5, n: 5 })).toBe("k.ts:3:7 - error KV2001: `x` may be read outside its axis `n` (expected an index from 0 to 4, got 5)");
  expect(refused(next, { t: 1, n: 0 })).toContain("expected no read, as the axis is empty");
  expect(refused((b, t) => inside(b.add(t, b.constant(-1))), { t: 2, n: 9 })).toContain("got -1");
});

test("what a condition excludes is not held against an index", () => {
  const guarded = (b: GraphBuilder, t: Value): Obligation["claim"] => inside(t, b.less(t, b.constant(5)));
  expect(refused(guarded, { t: 100, n: 5 })).toBe("");
  expect(refused(guarded, { t: 100, n: 4 })).toContain("got 4");
  expect(refused((b, t) => inside(b.add(t, b.constant(50)), b.less(t, b.zero)), { t: 3, n: 1 })).toBe("");
});

test("an index beyond the prover is tried at every position", () => {
  const scattered = (b: GraphBuilder, t: Value): Obligation["claim"] => inside(b.remainder(b.multiply(t, t), b.constant(7)));
  // The squares modulo 7 are 0, 1, 2 and 4.
  expect(refused(scattered, { t: 1000, n: 5 })).toBe("");
  expect(refused(scattered, { t: 1000, n: 4 })).toContain("got 4");
});

test("a code is held to the width of its type", () => {
  const coded = (b: GraphBuilder, t: Value): Obligation["claim"] => inside(b.load(codes, [t]));
  expect(refused(coded, { t: 3, n: 16 })).toBe("");
  expect(refused(coded, { t: 3, n: 15 })).toContain("got an index from 0 to 15");
});

test("sizes must divide", () => {
  const divides = (b: GraphBuilder): Obligation["claim"] => ({ kind: "divides", dividend: b.extent("t"), divisor: b.extent("n") });
  expect(refused(divides, { t: 8, n: 4 })).toBe("");
  expect(refused(divides, { t: 6, n: 4 })).toBe("k.ts:3:7 - error KV2102: axis `t` cannot be divided evenly among axis `n` (expected a multiple of 4, got 6 among 4)");
  expect(refused(divides, { t: 6, n: 0 })).toContain("expected at least one part, got 6 among 0");
});
