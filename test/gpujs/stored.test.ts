/**
 * @file A reduction is stored for all its uses or for none: in mode `cpu` a stored number is an f32 and any other an f64, so
 * that it would otherwise be two numbers, which no bound allows (`spec/numerics.md`).
 */

import { expect, test } from "vitest";
import { openedOrder } from "../../compiler/algebra/opened";
import { planScript } from "../../compiler/lower-gpujs";
import { canonical } from "../../compiler/plan/free";
import type { ThreadPlan } from "../../compiler/plan/threads";
import { loadGraph } from "../../spec/graph/json";
import type { Graph, Value } from "../../spec/graph/node";
import { bindSizes } from "../../spec/tensor/check";
import { draw, f32, tensorOf, type Draft } from "../emit/programs";
import { kernelSubjects } from "./subjects";

/** The reductions that arrays hold, and the arrays whose kernels compute one that another array holds. */
function storedAndComputed({ builder, units, temporaries }: ThreadPlan): { readonly stored: number; readonly again: readonly string[] } {
  const holding = new Map<Value, string>();
  const values = units.map(({ array, kernel }) => ({ name: array.name, values: kernel.body.flatMap((node) => (node.kind === "stage" ? node.items.map(({ value }) => value) : [])) }));
  for (const { name, values: [value] } of values) if (value?.kind === "reduce" && temporaries.includes(name)) holding.set(canonical(builder, value).value, name);
  const again = values.flatMap(({ name, values: own }) => openedOrder(builder, own)
    .filter((value) => value.kind === "reduce")
    .flatMap((value) => holding.get(canonical(builder, value).value) ?? [])
    .filter((held) => held !== name));
  return { stored: holding.size, again };
}

test("of every kernel of the library, the formats and the examples, with open sizes and with fixed ones", async () => {
  let all = 0;
  for (const { name, graph: saved, inputs, set } of await kernelSubjects()) {
    const { graph } = loadGraph(saved);
    for (const fixed of [{}, bindSizes(graph, inputs, set)]) {
      const { stored, again } = storedAndComputed(planScript(graph, { set: fixed }).plan);
      expect(again, name).toEqual([]);
      all += stored;
    }
  }
  expect(all).toBeGreaterThan(100);
}, 300_000);

test("where one use asks for an array and another could do without", () => {
  const x = tensorOf("x", f32, "row", "column");
  const total = ({ load, sum }: Draft, r: Value): Value => sum("column", (c) => load(x, r, c));
  const graph: Graph = draw([x], [
    // Each total is used by every column of its row, and once more by itself.
    [tensorOf("share", f32, "row", "column"), (use, r = use.b.zero, c = use.b.zero) => use.b.multiply(use.load(x, r, c), total(use, r))],
    [tensorOf("total", f32, "row"), (use, r = use.b.zero) => use.b.linear(1, [[1, total(use, r)]])],
  ]);
  const { plan } = planScript(graph);
  expect(storedAndComputed(plan)).toEqual({ stored: 1, again: [] });
});
