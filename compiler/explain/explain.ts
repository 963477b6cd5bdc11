/** @file The plan of a kernel, for tools: what `kvern explain --json` prints and `explain()` of a prepared kernel returns. */

import type { AxisDeclaration } from "../../spec/graph/node";
import type { Opener } from "../../spec/graph/print";
import { shapeOf, withJoined } from "../../spec/tensor/check";
import { storageWords } from "../../spec/tensor/storage";
import type { Firing, Refusal } from "../algebra/derived";
import type { Kernel } from "../kernel/kernel";
import type { Program, Sizes } from "../program";
import { countOf } from "../kernel/count";
import { nestOf } from "./nest";

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
  /** The loops, one line each, inner ones indented. */
  readonly nest: readonly string[];
}

export interface Explanation {
  readonly kernel: string;
  readonly dispatches: readonly DispatchExplanation[];
  /** What all dispatches load and store together. */
  readonly bytesMoved: number | null;
  /** Every input and output once, as stored. */
  readonly compulsoryBytes: number | null;
  readonly rewrites: readonly Firing[];
  readonly refused: readonly Refusal[];
}

/** A kernel as it was compiled, dispatch by dispatch. */
export interface Explained {
  readonly program: Program;
  /** Every axis of the graph. */
  readonly axes: readonly AxisDeclaration[];
  /** The program of each dispatch, in order. */
  readonly kernels: readonly Kernel[];
  /** Reads the bodies of their reductions. */
  readonly opener: Opener;
  readonly rewrites: readonly Firing[];
  readonly refused: readonly Refusal[];
}

/**
 * What was planned and what it costs.
 * @param sizes of axes; where one is missing that a number needs, the number is null
 */
export function explain({ program, axes, kernels, opener, rewrites, refused }: Explained, sizes: Sizes): Explanation {
  const declared = axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent] as const]));
  const all = withJoined(axes, { ...Object.fromEntries(declared), ...program.fixed, ...sizes });
  const known = axes.every(({ name }) => all[name] !== undefined);
  const dispatches = program.dispatches.map((dispatch, at): DispatchExplanation => {
    const kernel = kernels[at];
    const cost = known && kernel !== undefined ? countOf(kernel, all, opener) : undefined;
    return {
      name: dispatch.name,
      workgroups: cost?.workgroups ?? null,
      workgroupSize: dispatch.workgroupSize,
      bytesRead: cost?.bytesRead ?? null,
      bytesWritten: cost?.bytesWritten ?? null,
      operations: cost?.operations ?? null,
      workgroupBytes: dispatch.workgroupBytes,
      nest: kernel === undefined ? [] : nestOf(kernel, opener),
    };
  });
  const moved = dispatches.reduce<number | null>((sum, { bytesRead, bytesWritten }) => (sum === null || bytesRead === null || bytesWritten === null ? null : sum + bytesRead + bytesWritten), 0);
  const bytes = ({ element, axes }: Program["inputs"][number]): number => 4 * storageWords(element, shapeOf(axes, all));
  const compulsoryBytes = known ? [...program.inputs, ...program.outputs].reduce((sum, tensor) => sum + bytes(tensor), 0) : null;
  return { kernel: program.kernel, dispatches, bytesMoved: moved, compulsoryBytes, rewrites, refused };
}
