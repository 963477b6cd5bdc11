/** @file Prints a kernel as a WGSL module. Everything has been decided; names are made here and never the user's. */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { elementName } from "../../spec/tensor";
import type { Kernel, KernelArray, Node } from "../kernel/kernel";
import { LARGEST } from "../kernel/bounds";
import { add, atom, call, compare, multiply, statement, type Code, type Name } from "./code";
import { HELPERS } from "./helpers";
import { storedType } from "./memory";
import { bindDigits, writeNodes } from "./nodes";
import { Printer } from "./print";
import { Writer } from "./writer";

export interface Printed {
  /** The module; its entry point is `main`, its bindings stand in `@group(0)` in the order of `bindings`, the sizes last. */
  readonly code: string;
  readonly bindings: readonly { readonly array: string; readonly access: "read" | "read_write" }[];
  /** Axes whose sizes are the members of the uniform, in order. */
  readonly uniforms: readonly string[];
  /** Integers that must fit i32 for the sizes of a launch. */
  readonly checked: readonly Value[];
}

/**
 * @param widest the most workgroups along one dimension
 */
export function printWgsl(builder: GraphBuilder, kernel: Kernel, widest: number): Printed {
  const stored = kernel.arrays.map((array) => {
    if (array.space !== "input" && array.space !== "buffer") throw new InternalError(`the WGSL printer does not print ${array.space} memory yet`);
    return array;
  });
  const written = writtenBy(kernel.body);
  const variables = new Map(stored.map((array, at) => [array, `b${at}`] as const));
  const x = new Writer(builder, variables);
  const invocation: Name = { kind: "name", block: x.root, hint: "lane", value: call("i32", atom("local")) };
  x.root.lines.push({ kind: "let", name: invocation });
  const spread = bindGrid(x, kernel, widest);
  writeNodes(x, kernel.body, kernel.lanes, invocation);

  const main = new Printer().print(x.root);
  const access = (array: KernelArray): "read" | "read_write" => (written.has(array.name) ? "read_write" : "read");
  const declarations = stored.map((array, at) => `@group(0) @binding(${at}) var<storage, ${access(array)}> b${at}: array<${storedType(array.element)}>; // ${describe(array)}`);
  if (x.sizes.length > 0) {
    declarations.unshift(`struct Sizes { ${x.sizes.map((axis, at) => `n${at}: u32, /* ${escape(axis)} */`).join(" ")} }`);
    declarations.push(`@group(0) @binding(${stored.length}) var<uniform> sizes: Sizes;`);
  }
  const builtins = ["@builtin(workgroup_id) group: vec3u", ...(spread ? ["@builtin(num_workgroups) groups: vec3u"] : []), "@builtin(local_invocation_index) local: u32"];
  const code = [
    ...heading(x, kernel),
    ...declarations,
    ...[...x.helpers].flatMap((name) => ["", HELPERS[name]]),
    "",
    `@compute @workgroup_size(${kernel.lanes})`,
    `fn main(${builtins.join(", ")}) {`,
    ...main.map((line) => `  ${line}`),
    "}",
    "",
  ].join("\n");
  return { code, bindings: stored.map((array) => ({ array: array.name, access: access(array) })), uniforms: x.sizes, checked: [...x.checked] };
}

/**
 * Names the grid's axes. Where there may be more workgroups than fit in one dimension a launch folds them into three, and
 * the surplus returns at once: every lane of a workgroup alike. Returns whether it may.
 */
function bindGrid(x: Writer, { grid }: Kernel, widest: number): boolean {
  const total = grid.reduce((all, { extent }) => all * (extent.kind === "constant" ? extent.value : LARGEST), 1);
  const spread = total > widest;
  if (grid.length === 0) return false;
  const number = name(x, "g", call("i32", spread ? folded() : atom("group.x")));
  if (spread) {
    const count = grid.map(({ extent }) => x.int(extent)).reduce((all, extent) => multiply(all, extent));
    const surplus = x.surplus(compare(">=", number, count));
    surplus.lines.push({ kind: "effect", text: statement("return") });
  }
  bindDigits(x, x.root, grid, number);
  return spread;
}

const folded = (): Code => add(atom("group.x"), multiply(atom("groups.x"), add(atom("group.y"), multiply(atom("groups.y"), atom("group.z")))));

function name(x: Writer, hint: string, value: Code): Name {
  const made: Name = { kind: "name", block: x.root, hint, value };
  x.root.lines.push({ kind: "let", name: made });
  return made;
}

function writtenBy(nodes: readonly Node[]): ReadonlySet<string> {
  const written = new Set<string>();
  const visit = (node: Node): void => {
    if (node.kind === "stage") for (const { array } of node.items) written.add(array);
    if (node.kind === "loop") node.body.forEach(visit);
  };
  nodes.forEach(visit);
  return written;
}

/** A name of the user's inside a comment: whatever could end it or hide in it is left out. */
export const escape = (text: string): string => text.replace(/[^\w.@#$%:'` -]/g, "?");

const describe = (array: KernelArray): string => `${escape(array.name)}: ${elementName(array.element)}, ${array.space}`;

/** `axis`, primed for the second opening of an axis and so on. */
const shown = (index: string): string => escape(index.replace(/@(\d+)$/, (_, k: string) => "'".repeat(Math.min(Number(k), 3))));

/** What the kernel computes for what, and its reductions in order of writing. */
function heading(x: Writer, kernel: Kernel): readonly string[] {
  const axes = kernel.body.flatMap((node) => (node.kind === "stage" ? node.digits.map(({ index }) => shown(index.name)) : []));
  const loops = x.loops.map(({ depth, reduce }) => `//   ${"  ".repeat(Math.max(0, depth - 2))}${reduce.op} over ${escape(reduce.axis)}`);
  return [`// ${escape(kernel.name)}${axes.length > 0 ? `, for every ${axes.join(", ")}` : ""}`, ...loops];
}
