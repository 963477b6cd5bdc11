/**
 * @file Where the elements of an array lie, as values: f32, i32 and u32 a word each; f16 two to a word over the whole
 * tensor; `uint(b)` side by side along the last axis, each row from a whole word. `spec/formats.md` is the rule.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import { holdsHalves } from "./halves";
import type { KernelArray } from "./kernel";

/** The number of elements of a shape. */
export const countOf = (builder: GraphBuilder, shape: readonly Value[]): Value => builder.multiply(...shape);

/** The number of an element in row-major order. */
export function flatIndex(builder: GraphBuilder, shape: readonly Value[], indices: readonly Value[]): Value {
  let stride: Value = builder.one;
  let sum: Value = builder.zero;
  for (let at = indices.length - 1; at >= 0; at--) {
    const [index, size] = [indices[at], shape[at]];
    if (index === undefined || size === undefined) break;
    sum = builder.add(sum, builder.multiply(index, stride));
    stride = builder.multiply(stride, size);
  }
  return sum;
}

/** Words of a row of `length` codes of `bits` bits. */
export function wordsPerRow(builder: GraphBuilder, length: Value, bits: number): Value {
  return builder.quotient(builder.linear(31, [[bits, length]]), builder.constant(32));
}

/** Whether several elements of an array share a word, which is written whole. */
export const isPacked = (array: KernelArray): boolean => array.element.kind === "uint" || (array.element.kind === "f16" && !holdsHalves(array));

/** The last of a shape, 1 for a scalar; and the others. */
export function splitLast(builder: GraphBuilder, values: readonly Value[], none: Value = builder.one): readonly [others: readonly Value[], last: Value] {
  return [values.slice(0, -1), values.at(-1) ?? none];
}

/** Whether subgroup operations can join the lanes that differ in the digits `over`: their numbers then differ in some bits only. */
export function joinsInSubgroups(lanes: readonly Index[], over: readonly Index[]): boolean {
  const first = lanes.findIndex((lane) => over.includes(lane));
  const isPower = (digits: readonly Index[]): boolean => Number.isInteger(Math.log2(digits.reduce((count, digit) => count * fixedSize(digit), 1)));
  return first >= 0 && isPower(lanes.slice(first)) && isPower(over) && isPower(lanes.slice(first + over.length));
}

/** The extent of an axis whose positions are lanes or copies. */
export function fixedSize({ name, extent }: Index): number {
  if (extent.kind !== "constant") throw new InternalError(`the axis ${name} has no fixed size`);
  return extent.value;
}
