/**
 * @file Prints what fills an array as the source of a gpu.js kernel: a function of the arrays it reads, one thread for each
 * element, or for a few neighbours, which it returns. Sizes that are open are the elements of its last argument, so that a
 * kernel serves every length up to the one that it was made for; threads beyond have nothing to do.
 */

import type { GraphBuilder } from "../../../spec/graph/builder";
import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { Index, Value } from "../../../spec/graph/node";
import type { KernelArray } from "../../kernel/kernel";
import { countOf } from "../../kernel/layout";
import { arraysRead } from "../../plan/plan";
import type { ThreadUnit } from "../../plan/threads";
import { atom, compare, not, type Code } from "../code";
import { Printer } from "../print";
import { Scope } from "../scope";
import { escape } from "../wgsl";
import { remainder } from "./integers";
import { ScriptWriter, SIZES } from "./writer";

export interface PrintedScript {
  /** `function (b0, b1) { … }`, as `createKernel` takes it. */
  readonly source: string;
  /** Names of the arrays that are its arguments, in order. */
  readonly reads: readonly string[];
  /** Whether the sizes of open axes are its last argument. */
  readonly sized: boolean;
  readonly count: Value;
  /** Elements that a thread returns. */
  readonly each: number;
  /** Extents of its loops. */
  readonly loops: readonly Value[];
  /** Integers that must be exact in f32. */
  readonly checked: readonly Value[];
}

/** The axis of the threads, which no axis of a program is called. */
const THREAD = "%thread";

export function printScript(builder: GraphBuilder, kernel: string, arrays: ReadonlyMap<string, KernelArray>, unit: ThreadUnit, open: readonly string[]): PrintedScript {
  const reads = [...arraysRead([...unit.values, unit.where])];
  const variables = new Map(reads.map((name, at) => [arrays.get(name) ?? missing(name), `b${at}`]));
  const x = new ScriptWriter(builder, variables, open);
  const scope = new Scope(x.root, unit.axes.map(({ name }) => name));
  const count = countOf(builder, unit.axes.map(({ extent }) => extent));
  const nothing = unit.values.map(() => builder.zero);
  const thread = builder.index(THREAD, count);
  if (thread.kind === "index") {
    const name = x.name(x.root, "t", atom("this.thread.x"));
    x.root.indices.set(thread.name, name);
    if (count.kind !== "constant") x.within(x.root, () => x.when(compare(">=", name, x.number(count)), () => x.effect("return ", x.results(nothing))));
    bindDigits(x, scope, unit.axes, thread);
  }
  x.within(scope, () => {
    if (unit.where !== builder.true) {
      x.ensure([unit.where]);
      x.when(not(x.truth(unit.where)), () => x.effect("return ", x.results(nothing)));
    }
    x.effect("return ", x.results(unit.values));
  });
  x.root.lines.push({ kind: "nest", head: undefined, repeats: false, block: scope, otherwise: undefined });
  const body = new Printer({ constant: "const", variable: "let" }).print(x.root);
  const parameters = [...variables.values(), ...(x.sized ? [SIZES] : [])];
  const source = [
    `function (${parameters.join(", ")}) {`,
    `  // ${escape(kernel)}: ${escape(unit.array.name)}${unit.axes.length > 0 ? `, for every ${unit.axes.map(({ axis }) => escape(axis.replace(/ grid/, ""))).join(", ")}` : ""}`,
    ...[...variables].map(([array, name]) => `  // ${name}: ${escape(array.name)}`),
    ...(x.sized ? [`  // ${SIZES}: ${open.map(escape).join(", ")}`] : []),
    ...body.map((line) => `  ${line}`),
    "}",
  ].join("\n");
  return { source, reads, sized: x.sized, count, each: unit.values.length, loops: [...x.loops], checked: [...x.checked] };
}

/** A size as the source of a function of the sizes of open axes: `function (sizes) { … }`. */
export function printSize(builder: GraphBuilder, size: Value, open: readonly string[]): string {
  const x = new ScriptWriter(builder, new Map(), open);
  x.within(x.root, () => x.effect("return ", x.results([size])));
  return `function (${SIZES}) { ${new Printer({ constant: "const", variable: "let" }).print(x.root).join(" ")} }`;
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
