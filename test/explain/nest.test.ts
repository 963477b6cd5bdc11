import { expect, test } from "vitest";
import { nestOf } from "../../compiler/explain/nest";
import type { Kernel, KernelArray, Stage } from "../../compiler/kernel/kernel";
import { spreadAxis } from "../../compiler/plan/fold/axes";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Tensor, Value } from "../../spec/graph/node";

const b = new GraphBuilder();
const index = (axis: string, extent: Value): Index => b.index(axis, extent) as Index;
const tensor = (name: string, axis: string): Tensor => ({ name, element: { kind: "f32" }, axes: [axis] });
const array = (name: string, axis: string, space: KernelArray["space"]): KernelArray => ({ name, element: { kind: "f32" }, space, infinite: false, shape: [b.extent(axis)] });
const x = tensor("x", "n"), table = tensor("table", "m");
const m = index("m", b.extent("m"));

/** `out[n] = value`: four lanes of two copies to a workgroup. */
function kernel(value: (n: Value) => Value): Kernel {
  const { grid, lane, block, position, inside } = spreadAxis(b, index("n", b.extent("n")), { lane: 4, block: 2, vector: 1 });
  if (grid === undefined || lane === undefined || block === undefined) throw new Error("the axis has no digits");
  const stage: Stage = {
    kind: "stage", lanes: [lane], digits: [], block: [block], vector: undefined, roles: { m: { kind: "serial", step: 4 } }, inside, otherwise: undefined,
    items: [{ kind: "assign", array: "out", indices: [position], op: "=", value: value(position), over: [], where: b.true }],
  };
  return { name: "out", grid: [grid], lanes: 4, arrays: [array("x", "n", "input"), array("table", "m", "input"), array("out", "n", "buffer")], body: [stage] };
}

test("axes are called by their names and digits, loops by their roles, reductions by a letter", () => {
  expect(nestOf(kernel((n) => b.add(b.load(x, [n]), b.reduce("max", m, b.load(table, [m])))), b).join("\n")).toMatchInlineSnapshot(`
    "grid n:grid ⌊(|n| + 7)/8⌋
      lanes n:lane 4; block n:block 2; where 4·n:block + 8·n:grid + n:lane < |n|
        serial by 4 m |m|: s1 = max table[m]
        out[4·n:block + 8·n:grid + n:lane] = s1 + x[4·n:block + 8·n:grid + n:lane]"
  `);
});

test("a loop that another does not depend on stands outside it, once; one that does, inside", () => {
  const highest = b.reduce("max", m, b.load(table, [m]));
  const own = (n: Value): Value => b.reduce("sum", m, b.apply("exp", [b.subtract(b.load(table, [m]), b.add(highest, b.load(x, [n])))]));
  expect(nestOf(kernel(own), b).join("\n")).toMatchInlineSnapshot(`
    "grid n:grid ⌊(|n| + 7)/8⌋
      lanes n:lane 4; block n:block 2; where 4·n:block + 8·n:grid + n:lane < |n|
        serial by 4 m |m|: s2 = max table[m]
        serial by 4 m |m|: s1 = Σ exp(table[m] − s2 − x[4·n:block + 8·n:grid + n:lane])
        out[4·n:block + 8·n:grid + n:lane] = s1"
  `);
});

test("a guard stands beside its loop", () => {
  expect(nestOf(kernel((n) => b.reduce("sum", m, b.load(table, [m]), b.atMost(m, n))), b).slice(-2).join("\n")).toMatchInlineSnapshot(`
    "    serial by 4 m |m| where m < 4·n:block + 8·n:grid + n:lane + 1: s1 = Σ table[m]
        out[4·n:block + 8·n:grid + n:lane] = s1"
  `);
});
