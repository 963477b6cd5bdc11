/**
 * @file The functions of `Math`. Those that lose digits where a GPU has only `exp` and `log` are computed by the formulas of
 * `spec/numerics.md`. What a function does at infinity is asked of `Math` itself: where it has a limit there, a choice puts it in.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { Apply, MathFunction } from "../../../spec/graph/node";
import { infinitiesOf, SENTINEL } from "../../kernel/infinities";
import { add, call, compare, divide, multiply, subtract, type Code } from "../code";
import { choose, isSentinel, number, polynomial, signOf } from "./code";
import type { Script } from "./expressions";

/** Functions whose text gives the limit of itself when it meets a sentinel. */
const NATURAL: ReadonlySet<MathFunction> = new Set<MathFunction>(["floor", "ceil", "round", "trunc", "abs", "sign", "fround", "tanh", "pow"]);
/** Logarithms: −∞ at the value given, whatever the text makes of it. */
const POLE: Partial<Record<MathFunction, number>> = { log: 0, log2: 0, log10: 0, log1p: -1 };

export function functionCode(x: Script, value: Apply): Code {
  const { fn, args } = value;
  const [first, second] = args;
  if (first === undefined) throw new InternalError(`Math.${fn} of nothing`);
  // Of constants only what has no value is left.
  if (args.every(({ kind }) => kind === "constant")) return number(0);
  const argument = x.once(first, "argument", "x", () => x.number(first));
  let code = second === undefined ? unary(x, value, fn, argument) : binary(x, value, fn, argument, x.once(second, "argument", "x", () => x.number(second)));
  const pole = POLE[fn];
  if (pole !== undefined && value.facts.mayBeNegativeInfinity) code = choose(compare("<=", argument, number(pole)), number(-SENTINEL), code);
  if (fn === "atanh") {
    code = choose(compare(">=", argument, number(1)), number(SENTINEL), code);
    code = choose(compare("<=", argument, number(-1)), number(-SENTINEL), code);
  }
  if (NATURAL.has(fn) || second !== undefined) return code;
  const infinite = infinitiesOf(first);
  for (const [which, at] of [["negative", -Infinity], ["positive", Infinity]] as const) {
    if (!infinite[which]) continue;
    const limit = Math[fn as "exp"](at);
    if (!Number.isNaN(limit)) code = choose(isSentinel(argument, which), number(limit), code);
  }
  return code;
}

function unary(x: Script, value: Apply, fn: MathFunction, argument: Code): Code {
  const part = (hint: string, make: () => Code): Code => x.once(value, hint, hint, make);
  switch (fn) {
    case "exp": case "log": case "log2": case "sin": case "cos": case "tan": case "asin": case "acos": case "atan":
    case "sinh": case "cosh": case "asinh": case "acosh": case "atanh": case "floor": case "ceil": case "trunc": case "abs":
      return call(`Math.${fn}`, argument);
    case "sqrt": return call("Math.sqrt", call("Math.max", argument, number(0)));
    case "tanh": return call("Math.tanh", call("Math.max", number(-15), call("Math.min", argument, number(15))));
    case "sign": return signOf(argument);
    case "log10": return multiply(call("Math.log2", argument), number(Math.log10(2)));
    case "fround": return argument;
    case "round": {
      const below = part("n", () => call("Math.floor", argument));
      return choose(compare(">=", subtract(argument, below), number(0.5)), add(below, number(1)), below);
    }
    case "cbrt": {
      const size = part("v", () => call("Math.exp", multiply(call("Math.log", call("Math.abs", argument)), number(1 / 3))));
      return choose(compare("==", argument, number(0)), number(0), multiply(signOf(argument), size));
    }
    case "expm1": {
      const series = multiply(argument, polynomial([1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320], argument));
      return choose(compare("<", call("Math.abs", argument), number(0.35)), series, subtract(call("Math.exp", argument), number(1)));
    }
    case "log1p": {
      const ratio = part("z", () => divide(argument, add(argument, number(2))));
      const square = part("y", () => multiply(ratio, ratio));
      const series = multiply(multiply(number(2), ratio), polynomial([1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13], square));
      return choose(compare("<", call("Math.abs", argument), number(0.5)), series, call("Math.log", add(argument, number(1))));
    }
    case "pow": case "atan2": throw new InternalError(`Math.${fn} of one number`);
  }
}

function binary(x: Script, value: Apply, fn: MathFunction, left: Code, right: Code): Code {
  if (fn === "atan2") {
    const off = choose(compare(">", left, number(0)), number(Math.PI / 2), number(-Math.PI / 2));
    const on = choose(compare("<", right, number(0)), number(Math.PI), number(0));
    return choose(compare("==", left, number(0)), on, choose(compare("==", right, number(0)), off, call("Math.atan2", left, right)));
  }
  if (fn !== "pow") throw new InternalError(`Math.${fn} of two numbers`);
  const part = (hint: string, make: () => Code): Code => x.once(value, hint, hint, make);
  const size = part("v", () => call("Math.abs", left));
  const half = part("h", () => multiply(call("Math.abs", right), number(0.5)));
  const odd = compare("==", subtract(half, call("Math.floor", half)), number(0.5));
  const sign = part("g", () => choose(compare("<", left, number(0)), choose(odd, number(-1), number(1)), number(1)));
  const up = compare(">", right, number(0));
  const beyond = multiply(sign, number(SENTINEL));
  const plain = multiply(sign, call("Math.exp", multiply(right, call("Math.log", size))));
  const far = choose(up, choose(compare(">", size, number(1)), number(SENTINEL), number(0)), choose(compare(">", size, number(1)), number(0), number(SENTINEL)));
  const chain: readonly (readonly [Code, Code])[] = [
    [compare("==", right, number(0)), number(1)],
    [isSentinel(right, "either"), far],
    [compare("==", size, number(0)), choose(up, number(0), beyond)],
    [isSentinel(size, "either"), choose(up, beyond, number(0))],
  ];
  return chain.reduceRight<Code>((otherwise, [condition, result]) => choose(condition, result, otherwise), plain);
}
