/** @file The gpu.js module that `kvern build` writes beside a kernel: its kernels as source, and what chains them. */

import { codesPerElement } from "../../compiler/emit/gpujs/memory";
import { lowerScript, type ScriptStep } from "../../compiler/lower-gpujs";
import { load } from "../../runtime/lowering";
import type { SerialisedGraph } from "../../spec/graph/json";
import type { Tensor } from "../../spec/graph/node";
import type { Sizes } from "../../spec/tensor/check";
import { elementName } from "../../spec/tensor/element";
import { shapeText } from "../../spec/tensor/tensor";

/**
 * The text of NAME.gpu.js: JavaScript that imports nothing.
 * @param set sizes to make part of it
 * @throws KvernError KV41nn what gpu.js cannot say
 */
export function gpuJsModule(serialised: SerialisedGraph, set: Sizes): string {
  const program = lowerScript(load(serialised).graph, { set });
  const { kernel, inputs, outputs, steps, fixed } = program;
  const open = serialised.axes.map(({ name }) => name).filter((name) => fixed[name] === undefined);
  const type = kernel.charAt(0).toUpperCase() + kernel.slice(1);
  return `/**
 * The kernel \`${kernel}\` for gpu.js 2.24, written by kvern. It computes on rows of f32:
${[...inputs.map((tensor) => described("takes", tensor)), ...outputs.map((tensor) => described("gives", tensor))].join("\n")}
 * ∓3.4028234663852886e38, the largest finite f32, stands for ∓∞. Integers must stay within ±2^24, in the inputs and on the
 * way; \`prepare${type}(await openDevice({ backend: "gpujs" }))\` of ${kernel}.ts checks that, and takes and gives tensors.
 *
 * The kernels are text, so that a content-security policy without \`unsafe-eval\` admits them in the mode webgpu.
 * The mode cpu needs \`unsafe-eval\`, since gpu.js calls \`new Function\`; webasm needs \`wasm-unsafe-eval\`.
 *
 *     const ${kernel} = create${type}(new GPU({ mode: "webgpu" }), ${open.length === 0 ? "{}" : `{ ${open.map((axis) => `${JSON.stringify(axis)}: …`).join(", ")} }`}, "webgpu");
 *     const { ${outputs.map(({ name }) => name).join(", ")} } = await ${kernel}({ ${inputs.map(({ name }) => `${JSON.stringify(name)}: …`).join(", ")} });
 */

/** In order: the array that each fills, its threads, the arrays that are its arguments, and the sizes that are its constants n0, n1, … */
export const kernels = [
${steps.map(step).join("\n")}
];

const fixed = ${JSON.stringify(fixed)};
const inputs = ${JSON.stringify(inputs.map(({ name }) => name))};
const outputs = ${JSON.stringify(outputs.map(({ name }) => name))};

/** Chains the kernels for the sizes of all open axes. \`mode\` is that of \`gpu\`: a call fails where gpu.js ran another. */
export function create${type}(gpu, sizes, mode) {
  const all = { ...sizes, ...fixed };
  const size = (axis) => {
    if (typeof axis === "string" && all[axis] === undefined) throw new Error("${kernel} needs the size of " + axis);
    return typeof axis === "string" ? all[axis] : axis;
  };
  const filling = kernels.filter(({ threads }) => threads.every((axis) => size(axis) > 0));
  const compiled = filling.map(({ source, threads, constants }) => gpu.createKernel(source, {
    output: [threads.reduce((count, axis) => count * size(axis), 1)],
    constants: Object.fromEntries(constants.map((axis, at) => ["n" + at, size(axis)])),
    loopMaxIterations: Math.max(1, ...Object.values(all)),
    precision: "single",
    tactic: "precision",
  }));
  const filled = new Set(filling.map(({ fills }) => fills));
  const given = [...new Set([...inputs, ...filling.flatMap(({ reads }) => reads)])].filter((name) => !filled.has(name));
  const record = (...handles) => {
    const arrays = new Map(given.map((name, at) => [name, handles[at]]));
    filling.forEach(({ fills, reads }, at) => arrays.set(fills, compiled[at](...reads.map((name) => arrays.get(name)))));
    return Object.fromEntries(outputs.filter((name) => filled.has(name)).map((name) => [name, arrays.get(name)]));
  };
  // gpu.js makes as many handles as the function says it takes.
  const pipeline = gpu.createPipeline(Object.defineProperty(record, "length", { value: given.length }));
  return async (arrays) => {
    const rows = given.map((name) => {
      if (inputs.includes(name) && arrays[name] === undefined) throw new Error("${kernel} needs the input " + name);
      return arrays[name]?.length > 0 ? arrays[name] : new Float32Array(1);
    });
    const result = outputs.some((name) => filled.has(name)) ? await pipeline(...rows) : {};
    if (filled.size > 0 && pipeline.backend !== mode) throw new Error("gpu.js ran ${kernel} in mode " + pipeline.backend + ", not " + mode + ": " + pipeline.fallbackReason);
    return Object.fromEntries(outputs.map((name) => [name, result[name] ?? new Float32Array(0)]));
  };
}
`;
}

function described(verb: string, { name, element, axes }: Tensor): string {
  const per = element.kind === "uint" && verb === "takes" ? codesPerElement(element.bits) : 1;
  const packed = per === 1 ? "" : `, ${per} codes to an f32, the first in the lowest bits, each row from a whole f32`;
  return ` * - ${verb} \`${name.replaceAll("*/", "")}\`: ${elementName(element)} ${shapeText(axes).replaceAll("*/", "")}${packed}`;
}

function step({ array, source, reads, sizes, axes }: ScriptStep): string {
  const text = source.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");
  return `  { fills: ${JSON.stringify(array)}, threads: ${JSON.stringify(axes)}, reads: ${JSON.stringify(reads)}, constants: ${JSON.stringify(sizes)}, source: \`${text}\` },`;
}
