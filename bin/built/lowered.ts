/** @file Kernels lowered without a device, under WebGPU's default limits, which every device grants. */

import type { Explanation } from "../../compiler/explain/explain";
import { inferSizes } from "../../compiler/explain/infer";
import type { Plans } from "../../compiler/lower";
import type { SerialisedGraph } from "../../spec/graph/json";
import { fixedSizes, type Sizes } from "../../spec/tensor/check";
import { load, lowered, type LoweredKernel } from "../../runtime/lowering";
import { DEFAULT_LIMITS } from "../../runtime/webgpu/gpu";

/** @throws KvernError KV21nn for sizes that do not fit; KV2001, KV2102 where they decide a condition, and it fails; KV41nn */
export function loweredWith(serialised: SerialisedGraph, set: Sizes, plans: Plans = "direct"): LoweredKernel {
  return lowered(serialised, { set, plans }, DEFAULT_LIMITS);
}

export interface ExplainedKernel {
  readonly plan: Explanation;
  /** Axes whose sizes the plan still waits for. */
  readonly open: readonly string[];
  /** Sizes that were not given and follow from the others. */
  readonly inferred: Sizes;
}

/** @throws KvernError as `loweredWith` */
export function explained(serialised: SerialisedGraph, set: Sizes, plans: Plans): ExplainedKernel {
  const { graph } = load(serialised);
  const given = fixedSizes(graph, set);
  const inferred = inferSizes(graph, given);
  const open = graph.axes.filter(({ name }) => given[name] === undefined && inferred[name] === undefined).map(({ name }) => name);
  return { plan: loweredWith(serialised, set, plans).explain(inferred), open, inferred };
}
