/** @file Holds a plan to the interpreter: no fault on the simulator, and every element within the bound carried for it. */

import { expect } from "vitest";
import { inputsFor, type Contents } from "../agreement/inputs";
import type { Candidate } from "../../compiler/plan/fold/choose";
import type { Specialised } from "../../compiler/plan/specialise";
import { simulateProgram } from "../../compiler/simulator/program";
import { interpretWithBound, type BoundedTensor } from "../../spec/interpreter";
import type { Graph } from "../../spec/graph/node";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import type { Sizes, TensorData } from "../../spec/tensor";

/** Inputs as a device has them, sizes, and what they come to. */
export interface Measured {
  readonly inputs: Readonly<Record<string, TensorData>>;
  readonly sizes: Sizes;
  readonly expected: Readonly<Record<string, BoundedTensor>>;
}

/** Inputs in the precision in which they are stored. */
function stored(graph: Graph, inputs: Readonly<Record<string, TensorData>>): Record<string, TensorData> {
  const halves = new Set(graph.inputs.filter(({ element }) => element.kind === "f16").map(({ name }) => name));
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, halves.has(name) ? { shape: tensor.shape, data: fromHalves(toHalves(tensor.data)) } : tensor]));
}

/** @param rescalings how often a plan may replace a reference, where that may be more often than in any plan that is offered */
export function measured(graph: Graph, given: Readonly<Record<string, TensorData>>, sizes: Sizes, rescalings?: number): Measured {
  const inputs = stored(graph, given);
  const bound = new Set(graph.inputs.flatMap(({ axes }) => axes));
  const set = Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined && !bound.has(name) ? [[name, sizes[name] ?? 0]] : [])));
  return { inputs, sizes, expected: interpretWithBound(graph, inputs, { set, ...(rescalings === undefined ? {} : { rescalings }) }) };
}

/** As `measured`, on random inputs. */
export function drawn(graph: Graph, sizes: Sizes, seed: number, contents: Contents, rescalings?: number): Measured {
  const all: Sizes = { ...Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]]))), ...sizes };
  return measured(graph, inputsFor(graph, all, seed, 1.5, contents), all, rescalings);
}

/** @returns how many elements were compared */
export function expectHeld({ builder, graph }: Specialised, { scheduled }: Candidate, { inputs, sizes, expected }: Measured, title: string): number {
  const { outputs, faults } = simulateProgram(builder, graph, scheduled, inputs, sizes, 32);
  expect(faults.map(({ kind, text }) => `${kind}: ${text}`), title).toEqual([]);
  let held = 0;
  for (const [name, { data, bound }] of Object.entries(expected)) {
    const got = outputs[name];
    data.forEach((value, at) => {
      const [seen, most] = [got?.[at] ?? NaN, bound[at] ?? 0];
      if (most === Infinity) return;
      held++;
      if (seen === value) return;
      // One comparison for each element that is off: a failure says how far, and where.
      if (!(Math.abs(seen - value) <= most)) expect.fail(`${title}: ${name}[${at}] is ${seen}, not ${value}, which may be off by ${most}`);
    });
  }
  return held;
}
