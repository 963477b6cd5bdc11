/** @file The gpu.js module that `kvern build` writes beside a kernel: its kernels as source, and what chains them. */

import { codesPerElement } from "../../compiler/emit/gpujs/memory";
import { EXACT } from "../../compiler/emit/gpujs/exact";
import { lowerScript, type ScriptStep } from "../../compiler/lower-gpujs";
import { load } from "../../runtime/lowering";
import type { SerialisedGraph } from "../../spec/graph/json";
import type { Tensor } from "../../spec/graph/node";
import type { Sizes } from "../../spec/tensor/check";
import { elementName } from "../../spec/tensor/element";
import { shapeText } from "../../spec/tensor/tensor";
import { inComment } from "./comment";

/**
 * The text of NAME.gpu.js: JavaScript that imports nothing.
 * @param set sizes to make part of it
 * @throws KvernError KV41nn what gpu.js cannot say
 */
export function gpuJsModule(serialised: SerialisedGraph, set: Sizes): string {
  const program = lowerScript(load(serialised).graph, { set });
  const { kernel, inputs, outputs, steps, open, arrays } = program;
  const type = kernel.charAt(0).toUpperCase() + kernel.slice(1);
  const sizes = open.length === 0 ? "{}" : `{ ${open.map((axis) => `${inComment(JSON.stringify(axis))}: …`).join(", ")} }`;
  return `/**
 * The kernel \`${kernel}\` for gpu.js 2.24, written by kvern. It computes on rows of f32:
${[...inputs.map((tensor) => described("takes", tensor)), ...outputs.map((tensor) => described("gives", tensor))].join("\n")}
 * ∓3.4028234663852886e38, the largest finite f32, stands for ∓∞. Integers must stay within ±2^24, in the inputs and on the
 * way; \`prepare${type}(await openDevice({ backend: "gpujs" }))\` of ${kernel}.ts checks that, and takes and gives tensors.
 *
 * The kernels are text, so that a content-security policy without \`unsafe-eval\` admits them in the modes webgpu and webgl2.
 * The mode cpu needs \`unsafe-eval\`, since gpu.js calls \`new Function\`; webasm needs \`wasm-unsafe-eval\`.
 *
 *     const ${kernel} = create${type}(new GPU({ mode: "webgpu" }), ${sizes}, "webgpu");   // the largest sizes
 *     const { ${outputs.map(({ name }) => name).join(", ")} } = await ${kernel}({ ${inputs.map(({ name }) => `${JSON.stringify(name)}: …`).join(", ")} }${open.length === 0 ? "" : `, ${sizes}`});
 */

/** In order: the array that each fills, its threads, and the arrays that are its arguments; \`sized\`: and the sizes of open axes. */
export const kernels = [
${steps.map(step).join("\n")}
];

/** Axes whose sizes are open, and how many numbers the rows of inputs and outputs then have. */
const open = ${JSON.stringify(open)};
const inputs = {
${inputs.map(({ name }) => `  ${JSON.stringify(name)}: ${arrays.get(name)?.elementsText},`).join("\n")}
};
const outputs = {
${outputs.map(({ name }) => `  ${JSON.stringify(name)}: ${arrays.get(name)?.elementsText},`).join("\n")}
};

/**
 * Chains the kernels. A call may have sizes up to \`capacity\`, and nothing is compiled for them again.
 * \`mode\` is that of \`gpu\`: a call fails where gpu.js ran another.
 */
export function create${type}(gpu, capacity, mode) {
  const rowOf = (sizes) => Float32Array.from(open, (axis) => {
    if (sizes[axis] === undefined || sizes[axis] > (capacity[axis] ?? 0)) throw new Error("${kernel} needs the size of " + axis + ", at most " + capacity[axis]);
    return sizes[axis];
  });
  const most = rowOf(capacity);
  const lengths = [...kernels.map(({ fills, threads }) => [fills, threads(most)]), ...Object.entries({ ...inputs, ...outputs }).map(([name, length]) => [name, length(most)])];
  for (const [name, length] of lengths) if (length > ${EXACT}) throw new Error(name + " of ${kernel} would have " + length + " elements, and gpu.js numbers ${EXACT} at most: take openDevice({ backend: 'wgsl' }) of kvern/runtime");
  const filling = kernels.filter(({ threads }) => threads(most) > 0);
  const compiled = filling.map(({ source, threads }) => gpu.createKernel(source, {
    output: [threads(most)],
    loopMaxIterations: ${Math.max(1, ...Object.values(program.fixed))} + most.reduce((sum, size) => sum + size, 0),
    precision: "single",
    tactic: "precision",
  }));
  const filled = new Set(filling.map(({ fills }) => fills));
  const arguments_ = ({ reads, sized }) => (sized ? [...reads, "%sizes"] : reads);
  const given = [...new Set(filling.flatMap(arguments_))].filter((name) => !filled.has(name));
  const results = Object.keys(outputs).filter((name) => filled.has(name));
  const record = (...handles) => {
    const arrays = new Map(given.map((name, at) => [name, handles[at]]));
    filling.forEach((kernel, at) => arrays.set(kernel.fills, compiled[at](...arguments_(kernel).map((name) => arrays.get(name)))));
    return Object.fromEntries(results.map((name) => [name, arrays.get(name)]));
  };
  // gpu.js makes as many handles as the function says it takes.
  const pipeline = gpu.createPipeline(Object.defineProperty(record, "length", { value: given.length }));
  return async (arrays, sizes = capacity) => {
    const live = rowOf(sizes);
    for (const name of Object.keys(inputs)) if (arrays[name] === undefined) throw new Error("${kernel} needs the input " + name);
    const rows = given.map((name) => {
      if (name === "%sizes") return live;
      const room = Math.max(1, inputs[name]?.(most) ?? 1);
      if (arrays[name]?.length === room) return arrays[name];
      const row = new Float32Array(room);
      row.set((arrays[name] ?? []).slice(0, room));
      return row;
    });
    const result = results.length > 0 ? await pipeline(...rows) : {};
    // What gpu.js calls gpu is WebGL, of either version.
    const drawing = typeof WebGL2RenderingContext !== "undefined" && gpu.context instanceof WebGL2RenderingContext;
    // From a context that is lost gpu.js reads zeros, and says nothing.
    if (drawing && gpu.context.isContextLost()) throw new Error("the WebGL2 context in which gpu.js runs ${kernel} is lost: make a new GPU, and ${kernel} for it");
    const ran = pipeline.backend === "gpu" ? (drawing ? "webgl2" : "webgl") : pipeline.backend;
    if (results.length > 0 && ran !== mode) throw new Error("gpu.js ran ${kernel} in mode " + ran + ", not " + mode + ": " + pipeline.fallbackReason);
    return Object.fromEntries(Object.entries(outputs).map(([name, length]) => {
      const values = result[name] ?? new Float32Array(0);
      // Threads may return several elements at a time.
      const row = values instanceof Float32Array ? values : Float32Array.from(values.flatMap((part) => [...part]));
      return [name, row.slice(0, length(live))];
    }));
  };
}
`;
}

function described(verb: string, { name, element, axes }: Tensor): string {
  const per = element.kind === "uint" && verb === "takes" ? codesPerElement(element.bits) : 1;
  const packed = per === 1 ? "" : `, ${per} codes to an f32, the first in the lowest bits, each row from a whole f32`;
  return ` * - ${verb} \`${name}\`: ${elementName(element)} ${inComment(shapeText(axes))}${packed}`;
}

function step({ array, source, reads, sized, threadsText }: ScriptStep): string {
  const text = source.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");
  return `  { fills: ${JSON.stringify(array)}, threads: ${threadsText}, reads: ${JSON.stringify(reads)}, sized: ${sized}, source: \`${text}\` },`;
}
