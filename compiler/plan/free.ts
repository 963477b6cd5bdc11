/** @file Values up to the names of their free indices: the same score read with two open tokens is one value. */

import type { GraphBuilder } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Index, Value } from "../../spec/graph/node";

const known = new WeakMap<Value, ReadonlyMap<string, Index>>();

/** The indices that occur free in a value, by name. */
export function freeIndices(value: Value): ReadonlyMap<string, Index> {
  let found = known.get(value);
  if (found === undefined) {
    const indices = new Map<string, Index>();
    if (value.kind === "index") indices.set(value.name, value);
    else for (const part of children(value)) for (const [name, index] of freeIndices(part)) if (value.free.includes(name)) indices.set(name, index);
    found = indices;
    known.set(value, found);
  }
  return found;
}

/** Where among the openings of its axis an index is: of `axis@k`, k. */
const openingOf = ({ name }: Index): number => Number(name.slice(name.lastIndexOf("@") + 1));

export interface Canonical {
  readonly value: Value;
  /** From the indices of the canonical value to those it was made from, by name. */
  readonly actual: ReadonlyMap<string, Index>;
}

/** The value with the free indices of each axis numbered from 0, in the order of their numbers. */
export function canonical(builder: GraphBuilder, value: Value): Canonical {
  const indices = [...freeIndices(value).values()].sort((a, b) => (a.axis < b.axis ? -1 : a.axis > b.axis ? 1 : openingOf(a) - openingOf(b)));
  const counts = new Map<string, number>();
  const replacements = new Map<Value, Value>();
  const actual = new Map<string, Index>();
  for (const index of indices) {
    const k = counts.get(index.axis) ?? 0;
    counts.set(index.axis, k + 1);
    const renamed = builder.index(index.axis, index.extent, k);
    if (renamed.kind !== "index") throw new InternalError(`the axis ${index.axis} has one position and an index`);
    actual.set(renamed.name, index);
    if (renamed !== index) replacements.set(index, renamed);
  }
  return { value: replacements.size === 0 ? value : builder.substitute(value, replacements), actual };
}
