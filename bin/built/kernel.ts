/** @file What `kvern build` writes of one kernel. */

import type { SerialisedGraph } from "../../spec/graph/json";
import type { Sizes } from "../../spec/tensor/check";
import { gpuJsModule } from "./gpujs";
import type { DeviceFeatures } from "../../compiler/program";
import { launcher } from "./launcher";
import { loweredWith } from "./lowered";

/**
 * The files of a kernel, by name: NAME.graph.json, NAME.wgsl, NAME.gpu.js, NAME.ts.
 * @param file where the kernel was written
 * @param set sizes to make part of the WGSL, of the gpu.js module and of the launcher
 * @param features of the devices that the WGSL is for
 */
export function filesOf(file: string, graph: SerialisedGraph, set: Sizes, features: DeviceFeatures = {}): ReadonlyMap<string, string> {
  return new Map([
    [`${graph.name}.graph.json`, `${JSON.stringify(graph)}\n`],
    [`${graph.name}.wgsl`, wgsl(graph, set, features)],
    [`${graph.name}.gpu.js`, gpuJsModule(graph, set)],
    [`${graph.name}.ts`, launcher(file, graph, set)],
  ]);
}

/** The modules of all dispatches, one after the other: each is a module of its own, with its entry point `main`. */
function wgsl(graph: SerialisedGraph, set: Sizes, features: DeviceFeatures): string {
  const { first: program } = loweredWith(graph, set, features);
  const modules = program.dispatches.map(({ name, code, workgroupSize, bindings, uniforms }, at) => {
    const arrays = bindings.map(({ array, access }, binding) => `// @binding(${binding}) ${array}, ${access}`);
    const sizes = uniforms.length === 0 ? [] : [`// @binding(${bindings.length}) sizes: ${uniforms.join(", ")}`];
    return [`// ${at + 1} of ${program.dispatches.length}: ${name}, workgroups of ${workgroupSize}`, ...arrays, ...sizes, code.trimEnd(), ""].join("\n");
  });
  return modules.join("\n");
}
