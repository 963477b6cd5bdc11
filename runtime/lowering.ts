/** @file From what a user hands to `prepare` to a kernel: the graph read, its sizes checked. */

import type { Graph } from "../spec/graph/node";
import { loadGraph } from "../spec/graph/json";
import type { Program } from "../compiler/program";
import { InternalError } from "../spec/diagnostics/diagnostic";
import type { Sizes } from "../spec/tensor/check";
import { kernelOf, RunCheck, type Kernel } from "./kernel";
import { discharge } from "./obligations";
import type { Limits } from "./webgpu/gpu";

/** A graph that has been read, and the kernel it describes. */
export interface Loaded {
  readonly graph: Graph;
  readonly kernel: Kernel;
}

/** A kernel lowered for one device, and the check of its runs. */
export interface LoweredKernel {
  readonly kernel: Kernel;
  readonly check: RunCheck;
  readonly program: Program;
}

/** @throws KvernError KV5101 when `json` is no graph */
export function load(json: unknown): Loaded {
  const { graph } = loadGraph(json);
  return { graph, kernel: kernelOf(graph, (sizes) => discharge(graph, sizes)) };
}

/**
 * Reads a graph and lowers it for a device with these limits.
 * @throws KvernError KV5101 when `json` is no graph; KV21nn when `set` does not fit it
 */
export function lowered(json: unknown, set: Sizes, _limits: Limits): LoweredKernel {
  const { kernel } = load(json);
  const check = new RunCheck(kernel, set);
  throw new InternalError(`\`${kernel.name}\` cannot be lowered: compiler/lower.ts is not there`, { cause: check });
}
