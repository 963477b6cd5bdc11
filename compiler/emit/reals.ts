/** @file Numbers in f32 as code. Infinities are sentinels, which are tested and never computed with: `spec/numerics.md`. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Linear, Product, Remainder, Value } from "../../spec/graph/node";
import { infinitiesOf, isInfinite, SENTINEL } from "../kernel/infinities";
import { integerType, isChecked } from "../kernel/scalar";
import { add, anyOf, atom, call, divide, infix, LEVEL, modulo, multiply, negate, realLiteral, select, subtract, type Code } from "./code";
import type { Expressions } from "./expressions";
import { functionCode } from "./functions";
import { loadedReal } from "./memory";
import { isSentinel } from "./truths";

export function realCode(x: Expressions, value: Value): Code {
  if (value.kind === "constant") return realLiteral(value.value);
  const type = integerType(value);
  if (type === "u32") return call("f32", x.uint(value));
  if (type === "i32" && !(isChecked(value) && isSum(value))) return call("f32", x.int(value));
  switch (value.kind) {
    case "linear": return sum(x, value);
    case "product": return product(x, value);
    case "load": case "slot": return loadedReal(x, value);
    case "larger": return call("max", x.real(value.left), x.real(value.right));
    case "smaller": return call("min", x.real(value.left), x.real(value.right));
    case "select": return select(x.truth(value.condition), x.real(value.yes), x.real(value.no));
    case "quotient": return call("floor", divide(x.real(value.left), x.real(value.right)));
    case "remainder": return remainder(x, value);
    case "apply": return functionCode(x, value);
    default: throw new InternalError(`a ${value.kind} is not computed in f32 here`);
  }
}

/** What may be computed in f32 instead, where it does not fit an integer for all sizes. */
const isSum = ({ kind }: Value): boolean => kind === "linear" || kind === "product";

/** `code`, but the sentinels under the conditions that a part is infinite. */
function aroundInfinities(code: Code, negative: readonly Code[], positive: readonly Code[]): Code {
  let result = code;
  if (negative.length > 0) result = select(anyOf(negative), realLiteral(-SENTINEL), result);
  if (positive.length > 0) result = select(anyOf(positive), realLiteral(SENTINEL), result);
  return result;
}

function sum(x: Expressions, value: Linear): Code {
  const depths = value.terms.map(([, term]) => x.scope.placeOf(term).depth);
  const deepest = Math.max(...depths);
  const inner = value.terms.filter((_, at) => depths[at] === deepest);
  const outer = value.terms.filter((_, at) => depths[at] !== deepest);
  const terms: (readonly [number, Value])[] = outer.length > 1 ? [[1, x.builder.linear(0, outer)], ...inner] : [...outer, ...inner];
  terms.sort(([a], [b]) => Math.sign(b) - Math.sign(a));
  const negative: Code[] = [];
  const positive: Code[] = [];
  let code: Code | undefined;
  for (const [k, term] of terms) {
    const part = x.real(term);
    const infinite = infinitiesOf(term);
    if (infinite.negative) (k > 0 ? negative : positive).push(isSentinel(part, "negative"));
    if (infinite.positive) (k > 0 ? positive : negative).push(isSentinel(part, "positive"));
    const size = Math.abs(k);
    const scaled = size === 1 ? part : multiply(part, realLiteral(size));
    if (code === undefined) code = k > 0 ? scaled : size === 1 ? negate(part) : multiply(part, realLiteral(k));
    else code = k > 0 ? add(code, scaled) : subtract(code, scaled);
  }
  const { constant } = value;
  if (code === undefined) return realLiteral(constant);
  if (constant !== 0) code = constant > 0 ? add(code, realLiteral(constant)) : subtract(code, realLiteral(-constant));
  return aroundInfinities(code, negative, positive);
}

function product(x: Expressions, value: Product): Code {
  const finite = value.factors.every(([base]) => !isInfinite(infinitiesOf(base)));
  const depths = value.factors.map(([base]) => x.scope.placeOf(base).depth);
  const deepest = Math.max(...depths);
  const outer = value.factors.filter((_, at) => depths[at] !== deepest);
  // What belongs to outer scopes is multiplied there. A quotient stays where it is: its parts may be far apart in size.
  if (finite && outer.length > 1 && value.factors.every(([, exponent]) => exponent > 0)) {
    const inner = value.factors.filter((_, at) => depths[at] === deepest);
    return multiply(x.real(x.builder.product(outer)), powers(x, inner));
  }
  const plain = powers(x, value.factors);
  return finite ? plain : unfinished(x, value, plain);
}

/** A product one of whose factors may be infinite. */
function unfinished(x: Expressions, { factors }: Product, plain: Code): Code {
  const vanishes: Code[] = [];
  const grows: Code[] = [];
  let sign: Code = realLiteral(SENTINEL);
  for (const [base, exponent] of factors) {
    const code = x.real(base);
    if (isInfinite(infinitiesOf(base))) (exponent > 0 ? grows : vanishes).push(isSentinel(code, "either"));
    if (base.facts.low < 0 && exponent % 2 !== 0) sign = multiply(sign, call("sign", code));
  }
  let result = plain;
  if (grows.length > 0) result = select(anyOf(grows), sign, result);
  if (vanishes.length > 0) result = select(anyOf(vanishes), realLiteral(0), result);
  return result;
}

function powers(x: Expressions, factors: readonly (readonly [Value, number])[]): Code {
  const constant = factors.reduce((all, [base, exponent]) => (base.kind === "constant" ? all * base.value ** exponent : all), 1);
  // A quotient of constants that is left is by zero; in the text it would be an error.
  let code: Code | undefined = factors.some(([base]) => base.kind === "constant") ? realLiteral(Number.isNaN(constant) ? 0 : constant) : undefined;
  const below: Code[] = [];
  for (const [base, exponent] of factors) {
    if (base.kind === "constant") continue;
    const factor = x.real(base);
    if (exponent === -0.5) {
      const root = call("inverseSqrt", factor);
      code = code === undefined ? root : multiply(code, root);
      continue;
    }
    const power = powerCode(x, factor, Math.abs(exponent));
    if (exponent < 0) below.push(power);
    else code = code === undefined ? power : multiply(code, power);
  }
  return below.reduce<Code>((over, under) => divide(over, under), code ?? realLiteral(1));
}

/** `base` to a positive power: by multiplication, and a square root for a half. */
function powerCode(x: Expressions, base: Code, exponent: number): Code {
  const whole = Math.floor(exponent);
  const rest = exponent - whole;
  if (rest !== 0 && rest !== 0.5) return call(x.helper("realPower"), base, realLiteral(exponent));
  const parts: Code[] = rest === 0.5 ? [call("sqrt", base)] : [];
  if (whole > 4) parts.unshift(call(x.helper("wholePower"), base, atom(`${whole}u`)));
  else for (let k = 0; k < whole; k++) parts.unshift(base);
  return parts.reduce((left, right) => infix(LEVEL.product, "*", left, right, [LEVEL.product, LEVEL.unary]));
}

/** The remainder of reals has the sign of the dividend, as in JavaScript; by something infinite it is the dividend. */
function remainder(x: Expressions, { left, right }: Remainder): Code {
  const [dividend, divisor] = [x.real(left), x.real(right)];
  const code = modulo(dividend, divisor);
  return isInfinite(infinitiesOf(right)) ? select(isSentinel(divisor, "either"), dividend, code) : code;
}
