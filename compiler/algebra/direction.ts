/**
 * @file In which direction a value moves when a slot in it grows: what makes a repair provably at most one.
 */

import { type GraphBuilder } from "../../spec/graph/builder";
import type { MathFunction, Value } from "../../spec/graph/node";
import { slotsIn } from "./opened";

/** `up`: never falls when the slot grows; `still`: does not depend on it. */
export type Direction = "still" | "up" | "down" | "unknown";

const GROWING: ReadonlySet<MathFunction> = new Set<MathFunction>([
  "exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "atan", "sinh", "tanh", "asinh", "asin", "atanh", "acosh",
  "floor", "ceil", "round", "trunc", "sign", "fround",
]);

const turned = (direction: Direction): Direction => (direction === "up" ? "down" : direction === "down" ? "up" : direction);

const joined = (a: Direction, b: Direction): Direction => (a === b || b === "still" ? a : a === "still" ? b : "unknown");

/** How `value` moves when the slots called `name` grow. */
export function direction(builder: GraphBuilder, value: Value, name: string): Direction {
  const of = (part: Value): Direction => direction(builder, part, name);
  if (value.kind === "slot" && value.name === name) return value.indices.every((index) => of(index) === "still") ? "up" : "unknown";
  if (!slotsIn(builder, value).some((slot) => slot.name === name)) return "still";
  switch (value.kind) {
    case "linear":
      return value.terms.reduce<Direction>((sofar, [k, term]) => joined(sofar, k > 0 ? of(term) : turned(of(term))), "still");
    case "product": {
      const moving = value.factors.filter(([base]) => of(base) !== "still");
      const [only] = moving;
      if (only === undefined || moving.length > 1) return "unknown";
      const [base, exponent] = only;
      const rest = builder.product(value.factors.filter((factor) => factor !== only));
      if (exponent !== 1 && base.facts.low < 0) return "unknown";
      if (rest.facts.low < 0 && rest.facts.high > 0) return "unknown";
      const same = (rest.facts.low >= 0) === exponent > 0;
      return same ? of(base) : turned(of(base));
    }
    case "larger": case "smaller": return joined(of(value.left), of(value.right));
    case "apply": {
      const [argument] = value.args;
      return argument !== undefined && GROWING.has(value.fn) ? of(argument) : "unknown";
    }
    case "select": {
      // a < b ? b : a is the larger of two, a < b ? a : b the smaller.
      const { condition, yes, no } = value;
      if (condition.kind !== "less" && condition.kind !== "atMost") return "unknown";
      const { left, right } = condition;
      const extreme = (yes === right && no === left) || (yes === left && no === right);
      return extreme ? joined(of(left), of(right)) : "unknown";
    }
    default: return "unknown";
  }
}
