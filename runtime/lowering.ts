/** @file From what a user hands to `prepare` to a kernel: the graph read, its sizes checked, lowered for a device. */

import { explain, type Explanation } from "../compiler/explain/explain";
import { lowerAll, type Plans } from "../compiler/lower";
import { HARDWARE, SOFTWARE } from "../compiler/plan/fold/cost";
import type { Program } from "../compiler/program";
import type { GraphBuilder } from "../spec/graph/builder";
import type { Graph } from "../spec/graph/node";
import { loadGraph } from "../spec/graph/json";
import type { Sizes } from "../spec/tensor/check";
import { kernelOf, RunCheck, type Kernel } from "./kernel";
import { discharge } from "./obligations";
import type { Limits } from "./webgpu/gpu";

/** A graph that has been read, and the kernel it describes. */
export interface Loaded {
  readonly builder: GraphBuilder;
  readonly graph: Graph;
  readonly kernel: Kernel;
}

/** A kernel lowered for one device, and the check of its runs. */
export interface LoweredKernel {
  readonly kernel: Kernel;
  readonly check: RunCheck;
  readonly program: Program;
  /** The plan and its cost, for sizes beside those that are fixed. */
  explain(sizes: Sizes): Explanation;
}

/** @throws KvernError KV5101 when `json` is no graph */
export function load(json: unknown): Loaded {
  const { builder, graph } = loadGraph(json);
  return { builder, graph, kernel: kernelOf(graph, (sizes) => discharge(graph, sizes)) };
}

/**
 * Reads a graph and lowers it for a device with these limits.
 * @throws KvernError KV5101 when `json` is no graph; KV21nn when `set` does not fit it; KV2001 and KV2102 where `set`
 * decides it; KV41nn what no device of these limits can do
 */
export function lowered(json: unknown, { set = {}, plans = "direct" }: { readonly set?: Sizes; readonly plans?: Plans }, limits: Limits, kind: "hardware" | "software" = "hardware"): LoweredKernel {
  const { graph, kernel } = load(json);
  const check = new RunCheck(kernel, set);
  const { specialised, kernels, program, record } = lowerAll(graph, { set, limits, plans, profile: kind === "software" ? SOFTWARE : HARDWARE });
  const explained = { program, axes: graph.axes, graph: specialised.graph, kernels, builder: specialised.builder, rewrites: record.fired, refused: record.refused };
  return { kernel, check, program, explain: (sizes) => explain(explained, sizes) };
}
