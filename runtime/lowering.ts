/** @file From what a user hands to `prepare` to a kernel: the graph read, its sizes checked, lowered for a device. */

import { explain, type Explanation } from "../compiler/explain/explain";
import { lowerAll, type Lowering, type Plans } from "../compiler/lower";
import { HARDWARE, SOFTWARE } from "../compiler/plan/fold/cost";
import type { DeviceFeatures, Program } from "../compiler/program";
import type { GraphBuilder } from "../spec/graph/builder";
import type { Graph } from "../spec/graph/node";
import { loadGraph } from "../spec/graph/json";
import type { Sizes } from "../spec/tensor/check";
import { classOf } from "./classes";
import { kernelOf, RunCheck, type Kernel } from "./kernel";
import { discharge } from "./obligations";
import type { Limits } from "./webgpu/gpu";

/** A graph that has been read, and the kernel it describes. */
export interface Loaded {
  readonly builder: GraphBuilder;
  readonly graph: Graph;
  readonly kernel: Kernel;
}

/** A kernel lowered for one device, once for each class of sizes that is asked for, and the check of its runs. */
export interface LoweredKernel {
  readonly kernel: Kernel;
  readonly check: RunCheck;
  /** The program for axes of which no size is known: planned for short ones, and right for all. */
  readonly first: Program;
  /**
   * The program for a run of these sizes, which is the same one for all sizes of a class. An axis that is not given is taken
   * to be short.
   */
  program(sizes: Sizes): Program;
  /** The plan for sizes beside those that are fixed, and its cost. */
  explain(sizes: Sizes): Explanation;
}

/** @throws KvernError KV5101 when `json` is no graph */
export function load(json: unknown): Loaded {
  const { builder, graph } = loadGraph(json);
  return { builder, graph, kernel: kernelOf(graph, (sizes) => discharge(graph, sizes)) };
}

/**
 * Reads a graph and lowers it for a device with these limits and features.
 * @throws KvernError KV5101 when `json` is no graph; KV21nn when `set` does not fit it; KV2001 and KV2102 where `set`
 * decides it; KV41nn what no device of these limits can do
 */
export function lowered(json: unknown, { set = {}, plans = "folds", features = {} }: { readonly set?: Sizes; readonly plans?: Plans; readonly features?: DeviceFeatures }, limits: Limits, kind: "hardware" | "software" = "hardware"): LoweredKernel {
  const { graph, kernel } = load(json);
  const check = new RunCheck(kernel, set);
  const made = new Map<string, Lowering>();
  const lowering = (sizes: Sizes): Lowering => {
    const { upTo, expected } = classOf(graph.axes, set, sizes);
    const key = Object.values(upTo).join();
    let had = made.get(key);
    if (had === undefined) {
      had = lowerAll(graph, { set, expected, limits, plans, features, profile: kind === "software" ? SOFTWARE : HARDWARE });
      made.set(key, had);
    }
    return had;
  };
  return {
    kernel,
    check,
    first: lowering({}).program,
    program: (sizes) => lowering(sizes).program,
    explain: (sizes) => {
      const { specialised, kernels, program, record } = lowering(sizes);
      return explain({ program, axes: graph.axes, graph: specialised.graph, kernels, builder: specialised.builder, rewrites: record.fired, refused: record.refused }, sizes);
    },
  };
}
