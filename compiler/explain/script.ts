/** @file The plan of a kernel for gpu.js, for tools and people: the chain as `explain` tells of dispatches. */

import type { Graph } from "../../spec/graph/node";
import { ROWS } from "../emit/gpujs/memory";
import { lowerScript, planScript } from "../lower-gpujs";
import type { Sizes } from "../program";
import { explain, type Explanation } from "./explain";

/**
 * The plan for the sizes that are given, which are fixed in it. Bytes are of rows of f32: a code of 8 bits takes a third of one.
 * @throws KvernError KV41nn what gpu.js cannot say; KV4201 and KV4203 where all sizes are given, and integers leave what f32
 * holds exactly whatever the inputs, or an array is too long
 */
export function explainScript(graph: Graph, sizes: Sizes): Explanation {
  const { specialised, plan } = planScript(graph, { set: sizes });
  const known = graph.axes.every(({ name, extent }) => extent !== undefined || specialised.fixed[name] !== undefined);
  // What integers among the inputs may be, only a run can tell.
  if (known && graph.inputs.every(({ element: { kind } }) => kind !== "i32" && kind !== "u32")) lowerScript(graph, { set: sizes }).check({}, new Map());
  const { name: kernel, inputs, outputs } = graph;
  const kernels = plan.units.map((unit) => unit.kernel);
  return explain({
    program: { kernel, inputs, outputs, fixed: specialised.fixed, dispatches: kernels.map(({ name }) => ({ name, workgroupSize: 1, workgroupBytes: 0 })) },
    backend: "gpujs",
    memory: ROWS,
    axes: graph.axes,
    graph: specialised.graph,
    kernels,
    builder: plan.builder,
    rewrites: plan.record.fired,
    refused: plan.record.refused,
  }, {});
}
