/** @file Laws of passes and choices on generated programs: the numbers stay, and a second round changes nothing and makes no node. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyChoices, listChoices } from "../../compiler/algebra/choices";
import { canonical, CANONICAL, derive } from "../../compiler/algebra/passes";
import { BOUND, difference } from "../algebra/check";
import { Evaluator, evaluateStores } from "../../bin/fuzz/folding";
import { randomTensors, stream } from "../algebra/programs";
import { randomCascade, Tape } from "./cascade";
import { keyed, mixed } from "./generated";

const tapes = fc.array(fc.nat({ max: 1000 }), { minLength: 10, maxLength: 80 });

describe("canonical passes", () => {
  test("keep every element, and are done after one round", () => {
    const fired = new Map<string, number>();
    fc.assert(fc.property(tapes, fc.constantFrom(1, 2, 5), (numbers, token) => {
      const p = mixed(new Tape(numbers));
      const tensors = randomTensors(p.graph, { token }, stream(token));
      const run = (stores: typeof p.graph.stores): ReadonlyMap<string, number> => evaluateStores(new Evaluator(p.b, tensors, { token }), stores);
      let { graph } = p;
      for (const pass of CANONICAL) {
        const next = pass.run(p.b, graph);
        for (const { rule } of next.record.fired) fired.set(rule, (fired.get(rule) ?? 0) + 1);
        if (next.record.fired.length === 0) expect(next.graph, pass.name).toBe(graph);
        expect(difference(run(graph.stores), run(next.graph.stores)), pass.name).toBeLessThanOrEqual(2 ** -40);
        ({ graph } = next);
      }
      const nodes = p.b.size;
      expect(canonical(p.b, graph).graph).toBe(graph);
      expect(p.b.size).toBe(nodes);
    }), { numRuns: 300, seed: 6 });
    for (const rule of ["divisor", "known", "split"]) expect(fired.get(rule) ?? 0, rule).toBeGreaterThan(25);
  });

  test("and folding, on cascades nobody planned, make no node that was not needed the first time", () => {
    fc.assert(fc.property(tapes, fc.boolean(), (numbers, segmented) => {
      const p = randomCascade(new Tape(numbers), segmented);
      const once = derive(p.b, p.graph);
      const nodes = p.b.size;
      expect(derive(p.b, p.graph)).toEqual(once);
      expect(p.b.size).toBe(nodes);
    }), { numRuns: 150, seed: 7 });
  });
});

describe("choices", () => {
  test("keep every element wherever they are offered, and are not offered again where they were made", () => {
    const made = new Map<string, number>();
    fc.assert(fc.property(tapes, fc.constantFrom(0, 1, 6), (numbers, token) => {
      const p = keyed(new Tape(numbers));
      const { graph } = canonical(p.b, p.graph);
      const tensors = randomTensors(graph, { token }, stream(token + 1));
      const run = (stores: typeof graph.stores): ReadonlyMap<string, number> => evaluateStores(new Evaluator(p.b, tensors, { token }), stores);
      const want = run(graph.stores);
      expect(applyChoices(p.b, graph, [])).toBe(graph);
      for (const choice of listChoices(p.b, graph, { token: 1000 }).choices) {
        made.set(choice.rule, (made.get(choice.rule) ?? 0) + 1);
        const chosen = applyChoices(p.b, graph, [choice]);
        expect(chosen, choice.rule).not.toBe(graph);
        expect(difference(want, run(chosen.stores)), `${choice.rule} at ${choice.site}`).toBeLessThanOrEqual(BOUND);
        const again = listChoices(p.b, chosen, { token: 1000 }).choices.filter(({ rule, site }) => rule === choice.rule && site === choice.site);
        expect(again, choice.rule).toEqual([]);
      }
    }), { numRuns: 150, seed: 8 });
    for (const rule of ["unroll", "align", "tabulate", "group"]) expect(made.get(rule) ?? 0, rule).toBeGreaterThan(10);
  });
});
