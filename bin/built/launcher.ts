/** @file The launcher that `kvern build` writes beside a kernel: TypeScript that imports `kvern/runtime` and nothing else. */

import type { SerialisedGraph } from "../../spec/graph/json";
import type { Tensor } from "../../spec/graph/node";
import type { Sizes } from "../../spec/tensor/check";
import { elementName } from "../../spec/tensor/element";
import { shapeText } from "../../spec/tensor/tensor";
import { inComment } from "./comment";

/**
 * The text of NAME.ts.
 * @param file where the kernel was written, for the first comment
 * @param fixed sizes that are fixed unless the caller fixes others
 */
export function launcher(file: string, graph: SerialisedGraph, fixed: Sizes): string {
  const { name, inputs, outputs } = graph;
  const type = name.charAt(0).toUpperCase() + name.slice(1);
  const open = graph.axes.filter(({ extent, parts }) => extent === undefined && parts === undefined).map((axis) => axis.name);
  const read = new Set(inputs.flatMap(({ axes }) => axes));
  const given = open.filter((axis) => !read.has(axis));
  return `/**
 * Launches the kernel \`${name}\`. Written by kvern from ${inComment(file)}: change that, and build again.
 *
 *     const ${name} = await prepare${type}(await openDevice());
 *     const { ${outputs.map((output) => (isName(output.name) ? output.name : `${key(output.name)}: ${camelCase(output.name)}`)).join(", ")} } = await ${name}.run(inputs);
 */

import type * as runtime from "kvern/runtime";

/** What \`${name}\` is given: { shape, data }, a tensor on the device, or a buffer of it. */
export interface ${type}Inputs {
${inputs.map((tensor) => member(tensor, "runtime.RunInput")).join("\n")}
}

/** What \`${name}\` gives. */
export interface ${type}Outputs {
${outputs.map((tensor) => member(tensor, "runtime.TensorData")).join("\n")}
}

/** Sizes to fix when the kernel is prepared; the others are read off the inputs${given.length === 0 ? "" : " or given with them"}. */
export interface ${type}Sizes {
${open.map((axis) => `  readonly ${key(axis)}?: number;`).join("\n")}
}

export interface ${type}Kernel {
  /** Runs the kernel once and reads its outputs back.${given.length === 0 ? "" : " `set`: sizes that no input has."} */
  run(inputs: ${type}Inputs${given.length === 0 ? "" : `, set?: Pick<${type}Sizes, ${given.map((axis) => JSON.stringify(axis)).join(" | ")}>`}): Promise<${type}Outputs>;
  /** The kernel as the runtime has it, for runs whose outputs stay on the device. */
  readonly prepared: runtime.PreparedKernel;
}

/** Makes \`${name}\` ready for a device. */
export async function prepare${type}(device: runtime.Device, set: ${type}Sizes = ${JSON.stringify(fixed)}): Promise<${type}Kernel> {
  const prepared = await device.prepare(graph, { set: { ...set } as Record<string, number> });
  return { prepared, run: async (inputs${given.length === 0 ? "" : ", set = {}"}) => (await prepared.run({ ...inputs }${given.length === 0 ? "" : ", { set: { ...set } as Record<string, number> }"})) as unknown as ${type}Outputs };
}

const graph: unknown = JSON.parse(
  ${JSON.stringify(JSON.stringify(graph))},
);
`;
}

/** A tensor of the signature as a member of an interface. */
function member({ name, element, axes }: Tensor, type: string): string {
  return `  /** ${elementName(element)} ${inComment(shapeText(axes))} */\n  readonly ${key(name)}: ${type};`;
}

/** A name as the key of a record. */
const key = (name: string): string => (isName(name) ? name : JSON.stringify(name));

const isName = (name: string): boolean => /^[A-Za-z_$][\w$]*$/.test(name);

/** `state.max` as a name: stateMax. */
const camelCase = (name: string): string => name.replace(/[^\w$]+(\w)/g, (_, letter: string) => letter.toUpperCase());
