/**
 * @file Prints what fills an array as the source of a gpu.js kernel: a function of the arrays it reads, one thread for each
 * element, which it returns. Sizes that are open are the kernel's constants n0, n1, …, so that every loop is bounded by one.
 */

import type { GraphBuilder } from "../../../spec/graph/builder";
import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { Index, Value } from "../../../spec/graph/node";
import type { KernelArray } from "../../kernel/kernel";
import { countOf } from "../../kernel/layout";
import { arraysRead, type Unit } from "../../plan/plan";
import { atom, type Code } from "../code";
import { Printer } from "../print";
import { Scope } from "../scope";
import { escape } from "../wgsl";
import { remainder } from "./integers";
import { ScriptWriter } from "./writer";

export interface PrintedScript {
  /** `function (b0, b1) { … }`, as `createKernel` takes it. */
  readonly source: string;
  /** Names of the arrays that are its arguments, in order. */
  readonly reads: readonly string[];
  /** Axes whose sizes are the constants n0, n1, … */
  readonly sizes: readonly string[];
  /** Threads: elements of the array. */
  readonly count: Value;
  /** Extents of its loops. */
  readonly loops: readonly Value[];
  /** Integers that must be exact in f32. */
  readonly checked: readonly Value[];
}

/** The axis of the threads, which no axis of a program is called. */
const THREAD = "%thread";

export function printScript(builder: GraphBuilder, kernel: string, arrays: ReadonlyMap<string, KernelArray>, unit: Unit): PrintedScript {
  const reads = [...arraysRead([unit.value])];
  const variables = new Map(reads.map((name, at) => [arrays.get(name) ?? missing(name), `b${at}`]));
  const x = new ScriptWriter(builder, variables);
  const scope = new Scope(x.root, unit.axes.map(({ name }) => name));
  const count = countOf(builder, unit.axes.map(({ extent }) => extent));
  const thread = builder.index(THREAD, count);
  if (thread.kind === "index") {
    x.root.indices.set(thread.name, x.name(x.root, "t", atom("this.thread.x")));
    bindDigits(x, scope, unit.axes, thread);
  }
  x.within(scope, () => x.effect("return ", x.result(unit.value)));
  x.root.lines.push({ kind: "nest", head: undefined, repeats: false, block: scope, otherwise: undefined });
  const body = new Printer({ constant: "const", variable: "let" }).print(x.root);
  const sizes = x.sizes.map((axis, at) => `n${at}: ${escape(axis)}`);
  const source = [
    `function (${[...variables.values()].join(", ")}) {`,
    `  // ${escape(kernel)}: ${escape(unit.array.name)}${unit.axes.length > 0 ? `, for every ${unit.axes.map(({ axis }) => escape(axis)).join(", ")}` : ""}`,
    ...[...variables].map(([array, name]) => `  // ${name}: ${escape(array.name)}`),
    ...(sizes.length > 0 ? [`  // ${sizes.join(", ")}`] : []),
    ...body.map((line) => `  ${line}`),
    "}",
  ].join("\n");
  return { source, reads, sizes: x.sizes, count, loops: [...x.loops], checked: [...x.checked] };
}

/** Names the digits of the thread's number over axes, outer → inner. */
function bindDigits(x: ScriptWriter, scope: Scope, axes: readonly Index[], thread: Index): void {
  const { builder } = x;
  let rest: Value = thread;
  for (let at = axes.length - 1; at >= 0; at--) {
    const axis = axes[at];
    if (axis === undefined) break;
    // Of an axis without positions nothing is ever computed.
    const extent = axis.extent === builder.zero ? builder.one : axis.extent;
    const digit: Code = at === 0 ? x.number(rest) : x.name(x.root, "d", remainder(x, rest, builder.larger(extent, builder.one)));
    scope.indices.set(axis.name, digit);
    rest = builder.quotient(rest, builder.larger(extent, builder.one));
  }
}

function missing(name: string): never {
  throw new InternalError(`a plan reads ${name}, which it does not declare`);
}
