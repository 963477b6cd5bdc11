/**
 * @file The functions of `Math` in f32. What a function does at infinity is asked of `Math` itself: where it has a limit
 * there, a select puts it in; where it has none (NaN) nothing is promised.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Apply, MathFunction } from "../../spec/graph/node";
import { infinitiesOf, SENTINEL } from "../kernel/infinities";
import { call, compare, multiply, realLiteral, select, type Code } from "./code";
import type { Expressions } from "./expressions";
import { isSentinel } from "./truths";

/** Functions whose text gives the limit of itself when it meets a sentinel. */
const NATURAL: ReadonlySet<MathFunction> = new Set<MathFunction>(["floor", "ceil", "round", "trunc", "abs", "sign", "fround", "tanh", "pow"]);
/** Logarithms: −∞ at the value given, whatever the text makes of it. */
const POLE: Partial<Record<MathFunction, number>> = { log: 0, log2: 0, log10: 0, log1p: -1 };

export function functionCode(x: Expressions, value: Apply): Code {
  const { fn, args } = value;
  const [first, second] = args;
  if (first === undefined) throw new InternalError(`Math.${fn} of nothing`);
  // Of constants only what has no value is left; in the text it would be an error.
  if (args.every(({ kind }) => kind === "constant")) return realLiteral(0);
  const argument = x.real(first);
  const infinite = infinitiesOf(first);
  let code = plain(x, fn, argument, () => {
    if (second === undefined) throw new InternalError(`Math.${fn} of one number`);
    return x.real(second);
  });
  const pole = POLE[fn];
  if (pole !== undefined && value.facts.mayBeNegativeInfinity) code = select(compare("<=", argument, realLiteral(pole)), realLiteral(-SENTINEL), code);
  if (fn === "atanh") {
    code = select(compare(">=", argument, realLiteral(1)), realLiteral(SENTINEL), code);
    code = select(compare("<=", argument, realLiteral(-1)), realLiteral(-SENTINEL), code);
  }
  if (NATURAL.has(fn) || second !== undefined) return code;
  for (const [which, at] of [["negative", -Infinity], ["positive", Infinity]] as const) {
    if (!infinite[which]) continue;
    const limit = Math[fn as "exp"](at);
    if (!Number.isNaN(limit)) code = select(isSentinel(argument, which), realLiteral(limit), code);
  }
  return code;
}

function plain(x: Expressions, fn: MathFunction, argument: Code, second: () => Code): Code {
  switch (fn) {
    case "exp": case "log": case "log2": case "sin": case "cos": case "tan": case "asin": case "acos": case "atan":
    case "sinh": case "cosh": case "asinh": case "acosh": case "atanh": case "floor": case "ceil": case "trunc": case "abs": case "sign":
      return call(fn, argument);
    case "sqrt": return call("sqrt", call("max", argument, realLiteral(0)));
    // tanh of more than 9 is 1 in f32; WGSL allows infinity over infinity far out.
    case "tanh": return call("tanh", call("clamp", argument, realLiteral(-15), realLiteral(15)));
    case "log10": return multiply(call("log2", argument), realLiteral(Math.log10(2)));
    case "expm1": return call(x.helper("expMinusOne"), argument);
    case "log1p": return call(x.helper("logOnePlus"), argument);
    case "cbrt": return call(x.helper("cubeRoot"), argument);
    case "round": return call(x.helper("rounded"), argument);
    case "fround": return argument;
    case "pow": return call(x.helper("anyPower"), argument, second());
    case "atan2": return call(x.helper("quadrant"), argument, second());
  }
}

