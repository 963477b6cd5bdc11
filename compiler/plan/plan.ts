/**
 * @file What is computed where: a list of units, each of which fills one array. The units stand in order of dependence, and
 * nothing of this says how a unit is computed.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Index, Value } from "../../spec/graph/node";
import type { KernelArray } from "../kernel/kernel";

/** `array[indices] = value` for every position of `axes`. */
export interface Unit {
  readonly array: KernelArray;
  /** The free indices of `indices` and `value`, outer → inner. */
  readonly axes: readonly Index[];
  readonly indices: readonly Value[];
  readonly value: Value;
}

export interface Plan {
  readonly name: string;
  readonly builder: GraphBuilder;
  /** Every array by name: inputs, outputs, temporaries. */
  readonly arrays: ReadonlyMap<string, KernelArray>;
  readonly temporaries: readonly string[];
  readonly units: readonly Unit[];
}

/** The names of the arrays that values read. */
export function arraysRead(values: Iterable<Value>, read: Set<string> = new Set(), seen: Set<Value> = new Set()): ReadonlySet<string> {
  const stack = [...values];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (value.kind === "load") read.add(value.tensor.name);
    if (value.kind === "slot") read.add(value.name);
    stack.push(...parts(value));
  }
  return read;
}

function parts(value: Value): readonly Value[] {
  return value.kind === "index" ? [] : children(value);
}
