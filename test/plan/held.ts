/** @file Holds every plan of a graph, and the one without folds, to the interpreter: on the simulator, which says what a device may pass over. */

import { expect } from "vitest";
import { enumeratePlans } from "../../compiler/plan/fold/choose";
import { HARDWARE } from "../../compiler/plan/fold/cost";
import { specialise } from "../../compiler/plan/specialise";
import { lowerPlain } from "../../compiler/lower";
import { simulateProgram } from "../../compiler/simulator/program";
import { interpretWithBound } from "../../spec/interpreter";
import type { Graph } from "../../spec/graph/node";
import type { Sizes, TensorData } from "../../spec/tensor";
import { LIMITS } from "./limits";

/** How often a plan at hand may replace the reference of a fold at most. */
const RESCALINGS = 8;

/** @param sizes of all axes, of inputs that each of `given` has */
export function expectPlansHeld(original: Graph, given: readonly Readonly<Record<string, TensorData>>[], sizes: Sizes): void {
  const { builder, graph, fixed } = specialise(original, {});
  const plain = lowerPlain(original, { limits: LIMITS });
  const folded = enumeratePlans(builder, graph, { limits: LIMITS, profile: HARDWARE, fixed, every: true }).candidates.map(({ scheduled: { kernels } }) => ({ builder, kernels }));
  for (const { builder: own, kernels } of [{ builder: plain.specialised.builder, kernels: plain.kernels }, ...folded]) {
    for (const inputs of given) {
      const expected = interpretWithBound(original, inputs, { rescalings: RESCALINGS });
      const { outputs, faults } = simulateProgram(own, graph, { kernels }, inputs, sizes);
      expect(faults).toEqual([]);
      for (const [name, { data, bound }] of Object.entries(expected)) {
        data.forEach((value, at) => {
          const seen = outputs[name]?.[at] ?? NaN;
          if (bound[at] === Infinity || seen === value) return;
          expect(Math.abs(seen - value), `${name}[${at}]`).toBeLessThanOrEqual(bound[at] ?? 0);
        });
      }
    }
  }
}
