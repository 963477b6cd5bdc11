/** @file Kernels lowered without a device, under WebGPU's default limits, which every device grants, with the features that are named. */

import type { Explanation } from "../../compiler/explain/explain";
import { inferSizes } from "../../compiler/explain/infer";
import { explainScript } from "../../compiler/explain/script";
import type { Plans } from "../../compiler/lower";
import type { DeviceFeatures } from "../../compiler/program";
import type { SerialisedGraph } from "../../spec/graph/json";
import { fixedSizes, type Sizes } from "../../spec/tensor/check";
import { readPlan } from "../../compiler/plan/stored";
import { planFile } from "../../runtime";
import { Contest } from "../../runtime/tuning/contest";
import { missingPlan } from "../kernels";
import { load, lowered, type LoweredKernel } from "../../runtime/lowering";
import { discharge } from "../../runtime/obligations";
import { DEFAULT_LIMITS } from "../../runtime/webgpu/gpu";

/** @throws KvernError KV21nn for sizes that do not fit; KV2001, KV2102 where they decide a condition, and it fails; KV41nn */
export function loweredWith(serialised: SerialisedGraph, set: Sizes, features: DeviceFeatures, plans: Plans = "folds"): LoweredKernel {
  return lowered(serialised, { set, plans, features }, DEFAULT_LIMITS);
}

export interface ExplainedKernel {
  readonly plan: Explanation;
  /** Axes whose sizes the plan still waits for. */
  readonly open: readonly string[];
  /** Sizes that were not given and follow from the others. */
  readonly inferred: Sizes;
}

/** @throws KvernError as `loweredWith`; KV2001, KV2102 also where the sizes that follow from those given decide a condition */
export function explained(serialised: SerialisedGraph, set: Sizes, plans: Plans, features: DeviceFeatures): ExplainedKernel {
  const { given, inferred, open } = sizesOf(serialised, set);
  if (open.length === 0) discharge(load(serialised).graph, { ...given, ...inferred });
  return { plan: loweredWith(serialised, set, features, plans).explain(inferred), open, inferred };
}

/** The plan for gpu.js. @throws KvernError KV21nn for sizes that do not fit, and as `explainScript` */
export function explainedForGpuJs(serialised: SerialisedGraph, set: Sizes): ExplainedKernel {
  const { given, inferred, open } = sizesOf(serialised, set);
  const { graph } = load(serialised);
  const sizes = { ...given, ...inferred };
  if (open.length === 0) discharge(graph, sizes);
  return { plan: explainScript(graph, sizes), open, inferred };
}

/**
 * The plan that a file has for a kernel and sizes, on whatever device it was measured.
 * @throws KvernError KV5001, KV5401 for the file; KV5402 where the plan cannot be replayed; KV5403 where it has none
 */
export async function explainedFrom(serialised: SerialisedGraph, set: Sizes, file: string): Promise<ExplainedKernel> {
  const { given, inferred, open } = sizesOf(serialised, set);
  const sizes = { ...given, ...inferred };
  const { entries } = await planFile(file);
  for (const [key, kept] of entries) {
    const { set: fixed, device } = readPlan(kept, file);
    // Which features of the device it was measured on were used, its key tells.
    for (const features of [{}, { subgroups: true }, { f16: true }, { subgroups: true, f16: true }]) {
      const contest = new Contest(serialised, fixed, { name: device, kind: "hardware", limits: DEFAULT_LIMITS, features });
      if (contest.key(sizes) === key) return { plan: contest.replay(kept, file).explain(sizes), open, inferred };
    }
  }
  return missingPlan(file, `${serialised.name} at ${Object.entries(sizes).map(([axis, size]) => `${axis}=${size}`).join(", ")}`);
}

function sizesOf(serialised: SerialisedGraph, set: Sizes): { readonly given: Sizes; readonly inferred: Sizes; readonly open: readonly string[] } {
  const { graph } = load(serialised);
  const given = fixedSizes(graph, set);
  const inferred = inferSizes(graph, given);
  return { given, inferred, open: graph.axes.filter(({ name }) => given[name] === undefined && inferred[name] === undefined).map(({ name }) => name) };
}
