/** @file What can be proved of integers, beyond the intervals that nodes carry. */

import type { GraphBuilder } from "../../spec/graph/builder";
import { postOrder } from "../../spec/graph/children";
import { isFinite } from "../../spec/graph/facts";
import type { Value } from "../../spec/graph/node";
import { nonNegative } from "../../spec/graph/prove";
import { LARGEST_SIZE } from "../../spec/tensor";

/** No axis is longer than `LARGEST_SIZE`: as integers that are not negative. */
function sizeLimits(builder: GraphBuilder, value: Value): Value[] {
  return postOrder([value]).filter((node) => node.kind === "extent").map((size) => builder.subtract(builder.constant(LARGEST_SIZE), size));
}

/** Whether a value is an integer from −2³¹ to 2³² − 1, which JavaScript's bitwise operators take as it is or modulo 2³². */
export function isWord(builder: GraphBuilder, value: Value, conditions: readonly Value[]): boolean {
  if (!value.facts.integer || !isFinite(value.facts)) return false;
  const { low, high } = value.facts;
  const given = [...conditions, ...sizeLimits(builder, value)];
  return (
    (low >= -(2 ** 31) || nonNegative(builder.add(value, builder.constant(2 ** 31)), given)) &&
    (high <= 2 ** 32 - 1 || nonNegative(builder.subtract(builder.constant(2 ** 32 - 1), value), given))
  );
}

/** Whether a value is an integer wherever it is finite, and finite wherever it has a value. */
export function isIntegral(value: Value): boolean {
  return isFinite(value.facts) && wholeWhereFinite(value);
}

function wholeWhereFinite(value: Value): boolean {
  if (value.facts.integer) return true;
  switch (value.kind) {
    case "constant": return !Number.isFinite(value.value);
    case "larger": case "smaller": return wholeWhereFinite(value.left) && wholeWhereFinite(value.right);
    case "select": return wholeWhereFinite(value.yes) && wholeWhereFinite(value.no);
    case "reduce": return wholeWhereFinite(value.body);
    default: return false;
  }
}
