/**
 * @file Integers in f32: exact while they stay within ±2²⁴, which is checked for the sizes and inputs of a run
 * (`exact.ts`). Division is not correctly rounded on every GPU, so its result is mended by its remainder.
 */

import type { Bitwise, Value } from "../../../spec/graph/node";
import { boundsOf } from "../../kernel/bounds";
import { add, bits, call, compare, divide, multiply, subtract, type Code } from "../code";
import { choose, minus, number } from "./code";
import type { Script } from "./expressions";

/** Dividends below this, with a half added, divide on the right side of every integer with an error of 4 ULP. */
const SMALL = 2 ** 19;

const isPower = (value: number): boolean => Number.isInteger(Math.log2(value)) && value >= 1;

/** `⌊left / right⌋` of integers, `right` ≥ 1. */
export function quotient(x: Script, left: Value, right: Value): Code {
  const dividend = x.number(left);
  if (right.kind === "constant" && isPower(right.value)) return call("Math.floor", multiply(dividend, number(1 / right.value)));
  const divisor = x.number(right);
  const [low, high] = boundsOf(left);
  if (low >= 0 && high < SMALL) return call("Math.floor", divide(add(dividend, number(0.5)), divisor));
  const part = x.builder.quotient(left, right);
  const about = x.once(part, "about", "q", () => call("Math.floor", divide(dividend, divisor)));
  const rest = x.once(part, "rest", "r", () => subtract(dividend, multiply(about, divisor)));
  return choose(compare("<", rest, number(0)), subtract(about, number(1)), choose(compare(">=", rest, divisor), add(about, number(1)), about));
}

/** JavaScript's `%` of integers. */
export function remainder(x: Script, left: Value, right: Value): Code {
  const { builder } = x;
  const negative = boundsOf(left)[0] < 0;
  if (!negative && boundsOf(right)[0] >= 1) {
    const whole = builder.quotient(left, right);
    return subtract(x.number(left), multiply(x.number(whole), x.number(right)));
  }
  const [size, divisor] = [builder.larger(left, builder.scale(-1, left)), builder.larger(builder.larger(right, builder.scale(-1, right)), builder.one)];
  const rest = x.once(builder.remainder(left, right), "size of the rest", "r", () => subtract(x.number(size), multiply(x.number(builder.quotient(size, divisor)), x.number(divisor))));
  return negative ? choose(compare("<", x.number(left), number(0)), minus(rest), rest) : rest;
}

/** The operands of `& | ^` are taken in 24 bits of two's complement, which are exact in f32. */
const WORD = 2 ** 24;

/** What `operand` and the result of a bitwise operation must lie in; see `exact.ts`. */
export const BITWISE_BOUNDS = [-(WORD / 2), WORD / 2 - 1] as const;

export function bitwise(x: Script, value: Bitwise): Code {
  const { op, left, right } = value;
  switch (op) {
    case "&": case "|": case "^": {
      const wrapped = (part: Value): Code => {
        const code = x.number(part);
        return boundsOf(part)[0] >= 0 ? code : x.once(part, "word", "w", () => choose(compare("<", code, number(0)), add(code, number(WORD)), code));
      };
      const word = bits(op, wrapped(left), wrapped(right));
      if (boundsOf(left)[0] >= 0 && boundsOf(right)[0] >= 0) return word;
      const whole = x.once(value, "word", "w", () => word);
      return choose(compare(">=", whole, number(WORD / 2)), subtract(whole, number(WORD)), whole);
    }
    case "<<": return multiply(x.number(left), scale(x, right, 1));
    case ">>": case ">>>": return call("Math.floor", right.kind === "constant" ? multiply(x.number(left), scale(x, right, -1)) : divide(x.number(left), scale(x, right, 1)));
  }
}

/** 2 to a count of bits, or to its negative. */
function scale(x: Script, count: Value, sign: 1 | -1): Code {
  if (count.kind === "constant") return number(2 ** (sign * (count.value & 31)));
  return bits("<<", number(1), x.number(count));
}
