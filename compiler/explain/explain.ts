/** @file The plan of a kernel, for tools: what `kvern explain --json` prints and `explain()` of a prepared kernel returns. */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { AxisDeclaration, Graph, Span } from "../../spec/graph/node";
import { shapeOf, withJoined } from "../../spec/tensor/check";
import type { Firing, Refusal } from "../algebra/derived";
import { workOf } from "../algebra/work";
import { Bounder } from "../kernel/bounds";
import { countOf, type Traffic } from "../kernel/count";
import { WORDS, type Memory } from "../kernel/footprints";
import type { Kernel } from "../kernel/kernel";
import { storageBuffers } from "../plan/fold/legal";
import type { Dispatch, Program, Sizes } from "../program";
import { guardText, nestOf } from "./nest";

export interface DispatchExplanation {
  readonly name: string;
  /** How many workgroups do something; null while a size that decides it is not known. */
  readonly workgroups: number | null;
  /** Invocations of a workgroup. */
  readonly workgroupSize: number;
  /** Bytes loaded from buffers, once per workgroup; null as above, and so below. */
  readonly bytesRead: number | null;
  /** Bytes stored to buffers, once per workgroup. */
  readonly bytesWritten: number | null;
  /** Arithmetic, comparisons and functions on values; addresses are not counted. */
  readonly operations: number | null;
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
  /** Storage buffers that are bound. */
  readonly storageBuffers: number;
  /** The bytes by array. */
  readonly traffic: readonly Traffic[] | null;
  /** What guards over positions leave out. */
  readonly guards: readonly GuardExplanation[] | null;
  /** The loops, one line each, inner ones indented. */
  readonly nest: readonly string[];
}

export interface GuardExplanation {
  readonly guard: string;
  /** Of the positions at which it is asked, the share at which it holds. */
  readonly share: number;
  /** Workgroups in which it holds everywhere, somewhere, and nowhere. */
  readonly live: number;
  readonly mixed: number;
  readonly dead: number;
}

/** A rewrite that was made, or one that was considered. */
export interface RewriteExplanation {
  readonly rule: string;
  /** `file:line:column` in the user's source; for what has no place there, such as a plan, what it is. */
  readonly at: string;
  /** What was rewritten, in the notation of a textbook. */
  readonly what: string;
  /** Why it is legal. */
  readonly proof?: string;
}

export interface RefusalExplanation {
  readonly rule: string;
  readonly at: string;
  readonly why: string;
  readonly what: string;
}

export interface Explanation {
  readonly kernel: string;
  /** What it is planned for: dispatches of WGSL, or for gpu.js a chain of kernels, of which a workgroup is one thread. */
  readonly backend: "wgsl" | "gpujs";
  /** The sizes for which it is explained, by axis. */
  readonly sizes: Sizes;
  readonly dispatches: readonly DispatchExplanation[];
  /** What all dispatches load and store together. */
  readonly bytesMoved: number | null;
  /** What is left of it where a cache serves what several workgroups of a dispatch share: each array once per dispatch. */
  readonly bytesMovedOnce: number | null;
  /** Every input and output once, as stored. */
  readonly compulsoryBytes: number | null;
  /** The operations of all dispatches. */
  readonly operations: number | null;
  /** Operations of the program as it is written, each value computed once for each position that it depends on. */
  readonly operationsAsWritten: number | null;
  readonly rewrites: readonly RewriteExplanation[];
  readonly refused: readonly RefusalExplanation[];
}

/** A kernel as it was compiled, dispatch by dispatch. */
export interface Explained {
  readonly program: Pick<Program, "kernel" | "inputs" | "outputs" | "fixed"> & { readonly dispatches: readonly Pick<Dispatch, "name" | "workgroupSize" | "workgroupBytes">[] };
  /** WGSL unless given. */
  readonly backend?: Explanation["backend"];
  /** How its arrays lie in memory; in words unless given. */
  readonly memory?: Memory;
  /** Every axis of the graph. */
  readonly axes: readonly AxisDeclaration[];
  /** The program before any rewrite; absent where it is not compiled. */
  readonly graph?: Graph;
  /** The program of each dispatch, in order. */
  readonly kernels: readonly Kernel[];
  /** Holds the graph and the kernels. */
  readonly builder: GraphBuilder;
  readonly rewrites: readonly Firing[];
  readonly refused: readonly Refusal[];
}

/**
 * What was planned and what it costs.
 * @param sizes of axes; where one is missing that a number needs, the number is null
 */
export function explain({ program, backend = "wgsl", memory = WORDS, axes, graph, kernels, builder, rewrites, refused }: Explained, sizes: Sizes): Explanation {
  const declared = axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent] as const]));
  const all = withJoined(axes, { ...Object.fromEntries(declared), ...program.fixed, ...sizes });
  const known = axes.every(({ name }) => all[name] !== undefined);
  const dispatches = program.dispatches.map((dispatch, at): DispatchExplanation => {
    const kernel = kernels[at];
    const count = known && kernel !== undefined ? countOf(kernel, all, builder, memory) : undefined;
    const guards = kernel && count?.guards.map(({ guard, ...rest }): GuardExplanation => ({ guard: guardText(kernel, builder, guard), ...rest }));
    return {
      name: dispatch.name,
      workgroups: count?.workgroups ?? null,
      workgroupSize: dispatch.workgroupSize,
      bytesRead: count?.bytesRead ?? null,
      bytesWritten: count?.bytesWritten ?? null,
      operations: count?.operations ?? null,
      workgroupBytes: dispatch.workgroupBytes,
      storageBuffers: kernel === undefined ? 0 : storageBuffers(kernel),
      traffic: count?.traffic ?? null,
      guards: guards ?? null,
      nest: kernel === undefined ? [] : nestOf(kernel, builder, backend === "gpujs" ? "threads" : "workgroups"),
    };
  });
  const total = (of: (dispatch: DispatchExplanation) => number | null): number | null =>
    dispatches.reduce<number | null>((sum, dispatch) => {
      const each = of(dispatch);
      return sum === null || each === null ? null : sum + each;
    }, 0);
  const moved = total(({ bytesRead, bytesWritten }) => (bytesRead === null || bytesWritten === null ? null : bytesRead + bytesWritten));
  const measure = new Bounder((axis) => [all[axis] ?? 0, all[axis] ?? 0]);
  const once = dispatches.reduce<number | null>((sum, { traffic }, at) => {
    if (sum === null || traffic === null) return null;
    const sizes = new Map(kernels[at]?.arrays.map((array) => [array.name, memory.bytesOf(array, array.shape.map((extent) => measure.of(extent)[1]))]));
    return traffic.reduce((count, { array, read, written }) => count + Math.min(read, sizes.get(array) ?? read) + Math.min(written, sizes.get(array) ?? written), sum);
  }, 0);
  const bytes = (tensors: Program["inputs"], space: "input" | "buffer"): number => tensors.reduce((sum, { element, axes }) => sum + memory.bytesOf({ element, space }, shapeOf(axes, all)), 0);
  const compulsoryBytes = known ? bytes(program.inputs, "input") + bytes(program.outputs, "buffer") : null;
  const written = known && graph !== undefined ? workOf(builder, graph, all) : undefined;
  return {
    kernel: program.kernel,
    backend,
    sizes: Object.fromEntries(axes.flatMap(({ name }) => (all[name] === undefined ? [] : [[name, all[name]]]))),
    dispatches,
    bytesMoved: moved,
    bytesMovedOnce: once,
    compulsoryBytes,
    operations: total(({ operations }) => operations),
    operationsAsWritten: written === undefined ? null : Math.round(written.operations + written.special),
    rewrites: rewrites.map(({ rule, at, span, proof }) => ({ rule, at: placeText(span) ?? at, what: at, ...(proof === undefined ? {} : { proof }) })),
    refused: refused.map(({ rule, at, span, why }) => ({ rule, at: placeText(span) ?? at, why, what: at })),
  };
}

const placeText = (span: Span | undefined): string | undefined => span && `${span.file}:${span.line}:${span.column}`;
