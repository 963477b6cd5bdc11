/** @file Prints a kernel as a WGSL module. Everything has been decided; names are made here and never the user's. */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import { elementName } from "../../spec/tensor";
import type { Kernel, KernelArray } from "../kernel/kernel";
import { LARGEST } from "../kernel/bounds";
import { add, atom, call, compare, multiply, statement, type Code, type Name } from "./code";
import { HELPERS } from "./helpers";
import { arraysOf, crossesSubgroups } from "../kernel/access";
import { holdsHalves, usesHalves } from "../kernel/halves";
import { unrolled } from "../kernel/unroll";
import { itemBytes, lengthOf, storedType } from "./memory";
import { measureSubgroups, SCRATCH, SUBGROUP_VARIABLES } from "./cross";
import { bindDigits, writeNodes } from "./nodes";
import { Printer } from "./print";
import { guessWide, wideArrays } from "./wide";
import { Writer } from "./writer";

export interface Printed {
  /** The module; its entry point is `main`, its bindings stand in `@group(0)` in the order of `bindings`, the sizes last. */
  readonly code: string;
  readonly bindings: readonly { readonly array: string; readonly access: "read" | "read_write" }[];
  /** Axes whose sizes are the members of the uniform, in order. */
  readonly uniforms: readonly string[];
  /** Integers that must fit i32 for the sizes of a launch. */
  readonly checked: readonly Value[];
  /** Workgroup memory, each variable rounded up to 16. */
  readonly workgroupBytes: number;
}

/**
 * @param widest the most workgroups along one dimension
 */
export function printWgsl(builder: GraphBuilder, kernel: Kernel, widest: number): Printed {
  const plain = unrolled(builder, kernel);
  // What lies in fours is known once every access has been written: it is guessed, and written again if the guess was wrong.
  const guess = guessWide(plain);
  const first = write(builder, plain, widest, guess);
  const wide = wideArrays(first.x, kernel.arrays);
  return (guess.size === wide.size && [...guess].every((name) => wide.has(name)) ? first : write(builder, plain, widest, wide)).printed();
}

interface Written {
  readonly x: Writer;
  printed(): Printed;
}

function write(builder: GraphBuilder, kernel: Kernel, widest: number, wide: ReadonlySet<string>): Written {
  const own = kernel.arrays.filter(({ arena }) => arena === undefined);
  const stored = own.filter(({ space }) => space === "input" || space === "buffer");
  const shared = own.filter(({ space }) => space === "workgroup");
  const kept = own.filter(({ space }) => space === "register" || space === "private");
  const written = arraysOf(kernel.body).written;
  const variables = new Map<KernelArray, string>(kernel.arrays.filter(({ arena }) => arena !== undefined).map((array) => [array, ""]));
  stored.forEach((array, at) => variables.set(array, `b${at}`));
  shared.forEach((array, at) => variables.set(array, `w${at}`));
  kept.forEach((array, at) => variables.set(array, `r${at}`));
  const volatile = new Set([...written, ...kept.map(({ name }) => name)]);
  for (const array of kernel.arrays) if (array.arena !== undefined && written.has(array.name)) for (const other of kernel.arrays) if (other.arena?.array === array.arena.array) volatile.add(other.name);
  const x = new Writer(builder, variables, volatile, wide);
  const invocation: Name = { kind: "name", block: x.root, hint: "lane", value: call("i32", atom("local")) };
  x.root.lines.push({ kind: "let", name: invocation });
  const subgroups = crossesSubgroups(kernel.body);
  if (subgroups) measureSubgroups(x);
  const spread = bindGrid(x, kernel, widest);
  for (const array of kept) x.root.lines.push(...declared(x.variable(array), array).map((text) => ({ kind: "effect", text: statement(text) }) as const));
  writeNodes(x, kernel.body, kernel.lanes, invocation);
  const type = (array: KernelArray): string => (!x.wide.has(array.name) ? storedType(array) : holdsHalves(array) ? "vec4h" : "vec4f");
  const fours = (array: KernelArray): number => lengthOf(array) / (x.wide.has(array.name) ? 4 : 1);
  const enabled = [...(usesHalves(kernel) ? ["f16"] : []), ...(subgroups ? ["subgroups"] : [])];
  const printed = (): Printed => {
    const main = new Printer().print(x.root);
    const roots = new Set(kernel.arrays.flatMap(({ name, arena }) => (arena !== undefined && written.has(name) ? [arena.array] : [])));
    const access = (array: KernelArray): "read" | "read_write" => (written.has(array.name) || roots.has(array.name) ? "read_write" : "read");
    const declarations = stored.map((array, at) => `@group(0) @binding(${at}) var<storage, ${access(array)}> b${at}: array<${type(array)}>; // ${describe(array)}`);
    if (x.sizes.length > 0) {
      declarations.unshift(`struct Sizes { ${x.sizes.map((axis, at) => `n${at}: u32, /* ${escape(axis)} */`).join(" ")} }`);
      declarations.push(`@group(0) @binding(${stored.length}) var<uniform> sizes: Sizes;`);
    }
    for (const array of shared) declarations.push(`var<workgroup> ${x.variable(array)}: array<${type(array)}, ${fours(array)}>; // ${describe(array)}`);
    if (x.scratch > 0) declarations.push(`var<workgroup> ${SCRATCH}: array<f32, ${x.scratch}>;`);
    if (subgroups) declarations.push(...SUBGROUP_VARIABLES);
    const builtins = ["@builtin(workgroup_id) group: vec3u", ...(spread ? ["@builtin(num_workgroups) groups: vec3u"] : []), "@builtin(local_invocation_index) local: u32",
      ...(subgroups ? ["@builtin(subgroup_size) together: u32", "@builtin(subgroup_invocation_id) seat: u32"] : [])];
    const code = [
      ...(enabled.length > 0 ? [...enabled.map((feature) => `enable ${feature};`), ""] : []),
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
    const bytes = [...shared.map((array) => itemBytes(array) * lengthOf(array)), 4 * x.scratch, ...(subgroups ? SUBGROUP_VARIABLES.map(() => 4) : [])];
    return {
      code,
      bindings: stored.map((array) => ({ array: array.name, access: access(array) })),
      uniforms: x.sizes,
      checked: [...x.checked],
      workgroupBytes: bytes.reduce((sum, each) => sum + 16 * Math.ceil(each / 16), 0),
    };
  };
  return { x, printed };
}

/** Declarations of what an invocation keeps: a variable for each position of a register. */
function declared(variable: string, array: KernelArray): readonly string[] {
  const type = storedType(array);
  if (array.space === "private") return [`var ${variable}: array<${type}, ${lengthOf(array)}>`];
  return Array.from({ length: lengthOf(array) }, (_, at) => `var ${variable}_${at}: ${type}`);
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
