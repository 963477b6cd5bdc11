/** @file Random graphs: the interpreter against the plainest evaluator there can be, with and without memory, and its bounds under attack. */

import { describe, expect, it } from "vitest";
import { bindGraph, noSlot } from "../../spec/interpreter/bind";
import { interpret, interpretWithBound } from "../../spec/interpreter";
import { Evaluator } from "../../bin/fuzz/folding";
import { sample } from "../emit/random";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { integerRange, storedValues } from "../../spec/tensor";
import { attack, tally } from "./attack";

const SEEDS = Array.from({ length: 20 }, (_, at) => at * 15);
const each = (first: number): readonly ReturnType<typeof sample>[] => Array.from({ length: 15 }, (_, at) => sample(first + at));

/** Elements of all outputs, by the plain evaluator; `undefined` where it divides by zero or meets NaN. */
function plainly({ graph, inputs, sizes }: ReturnType<typeof sample>): Readonly<Record<string, readonly (number | undefined)[]>> {
  const tensors = Object.fromEntries(graph.inputs.map(({ name, element }) => {
    const input = inputs[name];
    return [name, { shape: input?.shape ?? [], data: input === undefined ? [] : [...storedValues(element, input)] }];
  }));
  const elements: Record<string, (number | undefined)[]> = {};
  for (const { output, indices, value } of graph.stores) {
    const shape = output.axes.map((axis) => sizes[axis] ?? 0);
    const list: (number | undefined)[] = (elements[output.name] = []);
    const go = (place: ReadonlyMap<string, number>, k: number): void => {
      const index = indices[k];
      if (k < shape.length) {
        for (let i = 0; i < (shape[k] ?? 0); i++) go(index?.kind === "index" ? new Map([...place, [index.name, i]]) : place, k + 1);
        return;
      }
      const evaluator = new Evaluator(new GraphBuilder(), tensors, sizes);
      const result = evaluator.value(value, place);
      const [least, most] = integerRange(output.element) ?? [-Infinity, Infinity];
      list.push(evaluator.undefinedSomewhere ? undefined : Math.min(Math.max(result, least), most));
    };
    go(new Map(), 0);
  }
  return elements;
}

describe("random graphs", () => {
  it.each(SEEDS)("mean what the plain evaluator says, seeds from %i", (first) => {
    let compared = 0;
    for (const one of each(first)) {
      const bounded = interpretWithBound(one.graph, one.inputs);
      const values = interpret(one.graph, one.inputs);
      const expected = plainly(one);
      for (const [name, { data, bound, undecided }] of Object.entries(bounded)) {
        expect((values[name]?.data ?? []).map(unsigned), "the values without their bounds").toEqual(data.map(unsigned));
        data.forEach((value, at) => {
          const other = expected[name]?.[at];
          const least = bound[at] ?? 0;
          if (other === undefined || least === Infinity || undecided[at] === 1) return;
          compared++;
          // Orders of products differ: f64 has 2⁻²⁹ of what the bound grants f32.
          expect(value === other ? 0 : Math.abs(value - other), `${name}[${at}]: ${value} and ${other}`).toBeLessThanOrEqual(2 ** -29 * least);
        });
      }
    }
    expect(compared).toBeGreaterThan(0);
  });

  it.each(SEEDS)("mean the same with hardly any memory, seeds from %i", (first) => {
    for (const { graph, inputs } of each(first)) {
      const usual = interpret(graph, inputs);
      for (const budget of [{ term: 0, all: 0 }, { term: 100, all: 300 }]) {
        const bound = bindGraph(graph, inputs, {}, noSlot, budget);
        for (const { output, loops, indices, value } of bound.stores) output.fill(loops, indices, bound.closures.of(value));
        for (const { tensor, data } of bound.outputs) expect([...data], tensor.name).toEqual([...(usual[tensor.name]?.data ?? [])]);
      }
    }
  });

  const found = tally();
  it.each(SEEDS)("stay within their bounds on a hostile device, seeds from %i", (first) => {
    for (const [at, { graph, inputs }] of each(first).entries()) attack(found, withoutSaturation(graph), inputs, first + at, 5);
    expect(found.violations).toBe(0);
  });

  it("had bounds, for the most part", () => {
    expect(found.outputs).toBeGreaterThan(10_000);
    expect(found.unbounded).toBeLessThan(found.outputs);
  });
});

/** A zero without its sign, which zeros in graphs do not have. */
const unsigned = (x: number): number => x + 0;

/** The hostile device does not saturate: only outputs of reals are attacked. */
function withoutSaturation(graph: Graph): Graph {
  const outputs = graph.outputs.filter(({ element }) => element.kind === "f32");
  return { ...graph, outputs, stores: graph.stores.filter(({ output }) => output.element.kind === "f32") };
}
