/** @file Runs a graph on the device, with sizes open and with sizes fixed, and holds every element to the interpreter's bound. */

import { expect } from "vitest";
import { lower, lowerAll } from "../../compiler/lower";
import { enumeratePlans, foldsPay } from "../../compiler/plan/fold/choose";
import { HARDWARE } from "../../compiler/plan/fold/cost";
import type { FusedPlan } from "../../compiler/plan/fold/plan";
import { specialise } from "../../compiler/plan/specialise";
import type { DeviceFeatures, DeviceLimits, Program, Sizes } from "../../compiler/program";
import { LIMITS } from "./limits";
import { kernelOf, RunCheck } from "../../runtime/kernel";
import type { Graph } from "../../spec/graph/node";
import { faults } from "../../spec/graph/validate";
import { interpretWithBound } from "../../spec/interpreter";
import { bindSizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor";
import { randomTensors, stream } from "../algebra/programs";
import { device } from "../device/harness";

export type Inputs = Readonly<Record<string, TensorData>>;

export interface Agreement {
  /** Elements whose bound was finite, so that they were compared. */
  readonly compared: number;
  readonly outputs: Readonly<Record<string, TensorData>>;
  readonly program: Program;
}

export interface AgreementOptions {
  readonly set?: Sizes;
  readonly limits?: Partial<DeviceLimits>;
  /** Fix no size, all sizes, or try both. */
  readonly sizes?: "open" | "fixed" | "both";
  /** A plan of folds, instead of the plans that are offered. Its tiles and parts have 64 positions or more. */
  readonly fused?: FusedPlan;
  readonly features?: DeviceFeatures;
  /** Whether the bound may be infinite for every element. */
  readonly mayPromiseNothing?: boolean;
  /** Whether the graph is one that a file may hold. */
  readonly portable?: boolean;
}

/** Tensors of f32 numbers for a program of so many tokens. */
export function inputsOf(graph: Graph, token: number): Inputs {
  const own = Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]])));
  return Object.fromEntries(Object.entries(randomTensors(graph, { token, ...own }, stream(), 1.5)).map(([name, { shape, data }]) => [name, { shape, data: data.map(Math.fround) }]));
}

/** Whether the device has subgroup operations; says so where a test is skipped for want of them. */
export const hasSubgroups = (): boolean => {
  if (device().features.has("subgroups")) return true;
  console.warn("skipped: the device has no subgroups");
  return false;
};

/** The direct plan, and where reductions share a pass the most promising plans of that kind. */
function programs(graph: Graph, fixed: Sizes, limits: DeviceLimits, { fused, features = {} }: AgreementOptions): readonly Program[] {
  if (fused !== undefined) return [lowerAll(graph, { set: fixed, limits, features, fused }).program];
  const { builder, graph: special, fixed: known } = specialise(graph, fixed);
  const direct = lower(graph, { set: fixed, limits });
  if (!foldsPay(builder, special)) return [direct];
  const { candidates } = enumeratePlans(builder, special, { limits, profile: HARDWARE, fixed: known });
  return [direct, ...candidates.slice(0, 2).map(({ plan }) => lowerAll(graph, { set: fixed, limits, fused: plan }).program)];
}

async function run(program: Program, graph: Graph, inputs: Inputs, set: Sizes, fixed: Sizes): Promise<{ program: Program; outputs: Record<string, TensorData> }> {
  const kernel = kernelOf(graph, () => undefined);
  const prepared = await device().compile({ program, kernel, check: new RunCheck(kernel, fixed) });
  return { program, outputs: await prepared.run(inputs, { set }) };
}

/** Fails unless the device computes what the interpreter does, within its bound. */
export async function agree(graph: Graph, inputs: Inputs, options: AgreementOptions = {}): Promise<Agreement> {
  const { set = {}, limits = {}, sizes = "both", mayPromiseNothing = false, portable = true } = options;
  expect(faults(graph, { portable })).toEqual([]);
  const bound = bindSizes(graph, inputs, set);
  // A plan of folds replaces a reference once for a tile of no less than 64 positions, and once for a part.
  const rescalings = 2 * Math.max(0, ...Object.values(bound).map((size) => Math.ceil(size / 64) - 1));
  const expected = interpretWithBound(graph, inputs, { set, rescalings });
  const every: DeviceLimits = { ...LIMITS, ...limits };
  const ways = sizes === "open" ? [{}] : sizes === "fixed" ? [bound] : [{}, bound];
  let agreement: Agreement | undefined;
  const made = ways.flatMap((fixed) => programs(graph, fixed, every, options).map((program) => ({ fixed, program })));
  for (const { fixed, program: candidate } of made) {
    const { program, outputs } = await run(candidate, graph, inputs, set, fixed);
    let compared = 0;
    for (const [name, { data, bound: bounds, shape }] of Object.entries(expected)) {
      const got = outputs[name];
      expect(got?.shape).toEqual(shape);
      data.forEach((value, at) => {
        const least = bounds[at] ?? 0;
        if (least === Infinity) return;
        compared++;
        const is = got?.data[at] ?? NaN;
        if (Object.is(is + 0, value + 0) || Math.abs(is - value) <= least) return;
        expect.fail(`${name}[${at}] of ${shape.join("×")} is ${is}, and should be ${value} ± ${least}\n${program.dispatches.map(({ code }) => code).join("\n")}`);
      });
    }
    // A bound that promises nothing anywhere would make this a test that cannot fail.
    if (!mayPromiseNothing && Object.values(expected).some(({ data }) => data.length > 0)) expect(compared).toBeGreaterThan(0);
    // What callers look at is the direct plan's.
    agreement ??= { compared, outputs, program };
  }
  if (agreement === undefined) throw new Error("nothing was run");
  return agreement;
}
