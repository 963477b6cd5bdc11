/**
 * @file One axis shared out over a kernel: workgroups, lanes, copies in one lane, components of a vector.
 *
 *     position = vector + V·lane + V·L·block + V·L·B·grid        V·L·B positions in each workgroup, the grid has the rest
 */

import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Index, Value } from "../../../spec/graph/node";

/** How many positions of an axis are lanes, copies and vector components of one workgroup. */
export interface Shares {
  readonly lane: number;
  readonly block: number;
  readonly vector: number;
}

export const GRID: Shares = { lane: 1, block: 1, vector: 1 };

/** An axis as digits; those of one position are left out. */
export interface Spread {
  readonly index: Index;
  readonly position: Value;
  readonly grid: Index | undefined;
  readonly lane: Index | undefined;
  readonly block: Index | undefined;
  readonly vector: Index | undefined;
  /** Where the digits mean a position of the axis. */
  readonly inside: Value;
}

const indexOf = (value: Value): Index | undefined => (value.kind === "index" ? value : undefined);

/** The number of an index among those of its axis. */
export const openingOf = ({ name }: Index): number => Number(name.slice(name.lastIndexOf("@") + 1));

/** `⌈a / b⌉` for a ≥ 0. */
export const ceilDivide = (builder: GraphBuilder, a: Value, b: number): Value => builder.quotient(builder.linear(b - 1, [[1, a]]), builder.constant(b));

export function spreadAxis(builder: GraphBuilder, index: Index, { lane, block, vector }: Shares): Spread {
  const { axis, extent } = index;
  const k = openingOf(index);
  const each = lane * block * vector;
  const digit = (name: string, size: Value): Value => builder.index(`${axis} ${name}`, size, k);
  const grid = digit("grid", ceilDivide(builder, extent, each));
  const l = digit("lane", builder.constant(lane));
  const b = digit("block", builder.constant(block));
  const v = digit("vector", builder.constant(vector));
  const position = builder.linear(0, [[1, v], [vector, l], [vector * lane, b], [each, grid]]);
  const even = extent.kind === "constant" && extent.value % each === 0;
  return {
    index, position, grid: indexOf(grid), lane: indexOf(l), block: indexOf(b), vector: indexOf(v),
    inside: even ? builder.true : builder.less(position, extent),
  };
}

export const present = <T>(list: readonly (T | undefined)[]): readonly T[] => list.filter((item): item is T => item !== undefined);

/** The size of an axis that has a constant one. */
export const sizeOf = ({ extent }: Index): number => (extent.kind === "constant" ? extent.value : Infinity);
