import { describe, expect, it } from "vitest";
import { loadGraph } from "../../spec/graph/json";
import { interpretWithBound, type BoundedTensor } from "../../spec/interpreter";
import { bindSizes } from "../../spec/tensor";
import { distance, heldOnDevice, interpretedAndEvaluated, type Bounded } from "../agreement/agree";
import { describeOnDevice } from "../device/harness";
import type { RecordedTensor } from "./cases";
import { graphOf, trials } from "./trials";

/**
 * How far a recorded element may lie from the value, given what f32 may make of it. The recording was itself computed in
 * f32 or, for f16 tensors, in f16, whose unit roundoff is 2¹³ times as large, by a formula that rounds each product of
 * query and key twice more, as it multiplies both by √scale: at most as many roundings again as the bound counts.
 */
function allowance({ dtype }: RecordedTensor, bounded: BoundedTensor, at: number): number {
  return 2 * (bounded.bound[at] ?? 0) * (dtype === "float16" ? 2 ** 13 : 1);
}

describe.skipIf(trials.length === 0)("recorded cases", () => {
  it("are as many as there should be", () => {
    expect(trials.length).toBe(76 + 11 + 8);
  });

  it.each(trials)("$name: evaluated, interpreted and recorded agree", async (trial) => {
    const { call } = trial;
    const interpreted = interpretedAndEvaluated(trial.kernel, await graphOf(trial), call.inputs, call.set);
    everyElementIsPromised(interpreted);
    for (const [name, recorded] of Object.entries(call.outputs)) {
      const bounded = interpreted[name];
      if (bounded === undefined) throw new Error(`the kernel has no ${name}`);
      expect(bounded.shape, name).toEqual(recorded.shape);
      recorded.data.forEach((expected, at) => {
        expect(distance(bounded.data[at] ?? NaN, expected), `${name}[${at}]`).toBeLessThanOrEqual(allowance(recorded, bounded, at));
      });
    }
  });
});

/** None of these kernels divides by zero or stands at a jump. */
function everyElementIsPromised(outputs: Bounded): void {
  for (const [name, { bound, undecided }] of Object.entries(outputs)) {
    expect(undecided.includes(1), name).toBe(false);
    expect(bound.includes(Infinity), name).toBe(false);
  }
}

describeOnDevice("recorded cases on the device", () => {
  // A suite without a test is a failure to vitest; this one stands for the cases where there are none.
  it.skipIf(trials.length === 0)("has recorded cases", () => {
    expect(trials).not.toEqual([]);
  });

  it.each(trials)("$name", async (trial) => {
    const { inputs, set } = trial.call;
    const saved = await graphOf(trial);
    const { graph } = loadGraph(saved);
    await heldOnDevice(saved, inputs, set, bindSizes(graph, inputs, set), interpretWithBound(graph, inputs, { set }));
  });
});
