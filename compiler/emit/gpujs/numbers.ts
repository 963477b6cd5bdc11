/** @file Numbers as code. Sentinels stand for infinities, as `spec/numerics.md` says: tested, never computed with. */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { Linear, Product, Remainder, Value } from "../../../spec/graph/node";
import { infinitiesOf, isInfinite, SENTINEL } from "../../kernel/infinities";
import { integerType } from "../../kernel/scalar";
import { add, call, compare, divide, junction, multiply, subtract, type Code } from "../code";
import { choose, isSentinel, minus, number, power, signOf } from "./code";
import type { Script } from "./expressions";
import { functionCode } from "./functions";
import { bitwise, quotient, remainder } from "./integers";
import { loaded } from "./memory";

export function numberCode(x: Script, value: Value): Code {
  if (integerType(value) !== undefined) x.check(value);
  switch (value.kind) {
    case "constant": return number(value.value);
    case "linear": return linear(x, value);
    case "product": return product(x, value);
    case "load": case "slot": return loaded(x, value);
    case "larger": return call("Math.max", x.number(value.left), x.number(value.right));
    case "smaller": return call("Math.min", x.number(value.left), x.number(value.right));
    case "select": return choose(x.truth(value.condition), x.number(value.yes), x.number(value.no));
    case "quotient": return integerType(value) === undefined ? call("Math.floor", divide(x.number(value.left), x.number(value.right))) : quotient(x, value.left, value.right);
    case "remainder": return integerType(value) === undefined ? realRemainder(x, value) : remainder(x, value.left, value.right);
    case "bitwise": return bitwise(x, value);
    case "apply": return functionCode(x, value);
    default: throw new InternalError(`a ${value.kind} is not computed as a number here`);
  }
}

/** `code`, but the sentinels under the conditions that a part is infinite. */
function aroundInfinities(code: Code, negative: readonly Code[], positive: readonly Code[]): Code {
  let result = code;
  if (negative.length > 0) result = choose(junction("||", negative), number(-SENTINEL), result);
  if (positive.length > 0) result = choose(junction("||", positive), number(SENTINEL), result);
  return result;
}

function linear(x: Script, value: Linear): Code {
  const depths = value.terms.map(([, term]) => x.scope.placeOf(term).depth);
  const deepest = Math.max(...depths);
  const outer = value.terms.filter((_, at) => depths[at] !== deepest);
  const inner = value.terms.filter((_, at) => depths[at] === deepest);
  // What belongs to outer scopes is added there.
  const terms: (readonly [number, Value])[] = outer.length > 1 ? [[1, x.builder.linear(0, outer)], ...inner] : [...outer, ...inner];
  terms.sort(([a], [b]) => Math.sign(b) - Math.sign(a));
  const negative: Code[] = [];
  const positive: Code[] = [];
  let code: Code | undefined;
  for (const [k, term] of terms) {
    const part = x.number(term);
    const infinite = infinitiesOf(term);
    if (infinite.negative) (k > 0 ? negative : positive).push(isSentinel(part, "negative"));
    if (infinite.positive) (k > 0 ? positive : negative).push(isSentinel(part, "positive"));
    const size = Math.abs(k);
    const scaled = size === 1 ? part : multiply(part, number(size));
    if (code === undefined) code = k > 0 ? scaled : size === 1 ? minus(part) : multiply(part, number(k));
    else code = k > 0 ? add(code, scaled) : subtract(code, scaled);
  }
  const { constant } = value;
  if (code === undefined) return number(constant);
  if (constant !== 0) code = constant > 0 ? add(code, number(constant)) : subtract(code, number(-constant));
  return aroundInfinities(code, negative, positive);
}

function product(x: Script, value: Product): Code {
  const { factors } = value;
  const finite = factors.every(([base]) => !isInfinite(infinitiesOf(base)));
  const depths = factors.map(([base]) => x.scope.placeOf(base).depth);
  const outer = factors.filter((_, at) => depths[at] !== Math.max(...depths));
  // What belongs to outer scopes is multiplied there. A quotient stays where it is: its parts may be far apart in size.
  if (finite && outer.length > 1 && factors.every(([, exponent]) => exponent > 0)) {
    return multiply(x.number(x.builder.product(outer)), powers(x, factors.filter((_, at) => depths[at] === Math.max(...depths))));
  }
  const plain = powers(x, factors);
  return finite ? plain : unfinished(x, value, plain);
}

/** A product one of whose factors may be infinite. */
function unfinished(x: Script, { factors }: Product, plain: Code): Code {
  const vanishes: Code[] = [];
  const grows: Code[] = [];
  let sign: Code | undefined;
  for (const [base, exponent] of factors) {
    const code = x.number(base);
    if (isInfinite(infinitiesOf(base))) (exponent > 0 ? grows : vanishes).push(isSentinel(code, "either"));
    if (base.facts.low < 0 && exponent % 2 !== 0) sign = sign === undefined ? signOf(code) : multiply(sign, signOf(code));
  }
  let result = plain;
  if (grows.length > 0) result = choose(junction("||", grows), sign === undefined ? number(SENTINEL) : multiply(sign, number(SENTINEL)), result);
  if (vanishes.length > 0) result = choose(junction("||", vanishes), number(0), result);
  return result;
}

function powers(x: Script, factors: readonly (readonly [Value, number])[]): Code {
  let code: Code | undefined;
  const below: Code[] = [];
  for (const [base, exponent] of factors) {
    const factor = powerCode(x, base, Math.abs(exponent));
    if (exponent < 0) below.push(factor);
    else code = code === undefined ? factor : multiply(code, factor);
  }
  return below.reduce<Code>((over, under) => divide(over, under), code ?? number(1));
}

/** `base` to a positive power: by multiplication, and a square root for a half. */
function powerCode(x: Script, base: Value, exponent: number): Code {
  const code = x.number(base);
  const whole = Math.floor(exponent);
  const rest = exponent - whole;
  if (rest !== 0 && rest !== 0.5) return choose(compare("<=", code, number(0)), number(0), call("Math.exp", multiply(number(exponent), call("Math.log", code))));
  const root = call("Math.sqrt", call("Math.max", code, number(0)));
  if (whole === 0) return root;
  let made = 0;
  const raised = power(code, whole, (part) => (part === code ? part : x.once(base, `power ${exponent} ${made++}`, "x", () => part)));
  return rest === 0 ? raised : multiply(raised, root);
}

/** The remainder of reals has the sign of the dividend; by something infinite it is the dividend. */
function realRemainder(x: Script, { left, right }: Remainder): Code {
  const [dividend, divisor] = [x.number(left), x.number(right)];
  const code = subtract(dividend, multiply(divisor, call("Math.trunc", divide(dividend, divisor))));
  return isInfinite(infinitiesOf(right)) ? choose(isSentinel(divisor, "either"), dividend, code) : code;
}
