/**
 * @file What f32 makes of the functions of `Math`: the accuracy WGSL promises of its built-in functions, and for those it
 * lacks, of the formula that `spec/numerics.md` prescribes. Each takes an argument with its error and adds its own.
 */

import type { MathFunction } from "../../graph/node";
import { divide, exactly, extreme, formed, integerPower, linear, multiply, opaque, stored, unbounded, within, type Approximate } from "./approximate";
import { FormSum } from "./form";
import { FLUSH, UNIT } from "./rounding";

const LOG_ABSOLUTE = 2 ** -21;
const SINE_ABSOLUTE = 2 ** -11;
const TANH_ABSOLUTE = 1e-5;
const ARC_ABSOLUTE = 6.77e-5;
const ARC_TANGENT_ULP = 4096;
const SQUARE_ROOT_ULP = 5;
/** f64 functions of `Math` themselves are not correctly rounded. */
const OWN = 2 ** -50;

/** How far a function that grows carries an error of its argument, between the ends of its domain. */
function carried(f: (x: number) => number, { value, error }: Pick<Approximate, "value" | "error">, least = -Infinity, greatest = Infinity): number {
  if (error === 0) return 0;
  const y = f(value);
  return Math.max(Math.abs(f(Math.min(value + error, greatest)) - y), Math.abs(y - f(Math.max(value - error, least)))) + OWN * Math.abs(y);
}

const one = exactly(1);
const add = (a: Approximate, b: Approximate): Approximate => linear(0, [1, 1], [a, b], false);
const subtract = (a: Approximate, b: Approximate): Approximate => linear(0, [1, -1], [a, b], false);
const scaled = (k: number, a: Approximate): Approximate => linear(0, [k], [a], false);

/** `f(x)` with the bound of a formula for it. */
const as = (value: number, formula: Approximate): Approximate => ({ ...formula, value });

/**
 * exp. To first order the result moves by e^x times what x does; the second order, and the error of the function itself,
 * are its own: 3 + 2|x| ULP, |x| more for the rounding of the argument where it is a difference of references, and for
 * each of `rescalings` another exponential and product: exp(s − m) = exp(s − m′) · exp(m′ − m), where m′ lies between.
 */
function exponential(x: Approximate, rescalings: number): Approximate {
  if (x.error === 0 && (x.value === -Infinity || x.value === Infinity)) return exactly(Math.exp(x.value), x.undecided);
  const value = Math.exp(x.value);
  const reach = Math.abs(x.value) + x.error;
  const own = Math.expm1((3 + 3 * reach + 5 * rescalings) * UNIT);
  const grown = Math.exp(x.error);
  const sources = new FormSum();
  sources.add(value, x);
  // (e^δ − 1 − δ) ≤ δ²·e^|δ|/2, which unlike the left side keeps its digits where δ is small.
  const second = (x.error * x.error * grown) / 2;
  return formed(value, sources.form, sources.rest + value * (second + grown * own) + (rescalings + 1) * FLUSH, { size: 0, span: 0 }, x.undecided);
}

/** The absolute error of log, of a device's argument from `low` to `high`; `unit` is the size of 1 in the base of the logarithm. */
function logarithmic(low: number, high: number, f: (x: number) => number): number {
  const ulps = 3 * UNIT * Math.max(Math.abs(f(low)), Math.abs(f(high)));
  if (low >= 0.5 && high <= 2) return LOG_ABSOLUTE;
  return low > 2 || high < 0.5 ? ulps : Math.max(LOG_ABSOLUTE, ulps);
}

function logarithm(x: Approximate, f: (x: number) => number): Approximate {
  const value = f(x.value);
  if (x.error === 0 && (x.value === 0 || x.value === Infinity)) return exactly(value, x.undecided);
  const low = x.value - x.error;
  if (!(low >= FLUSH)) return unbounded(value, x.undecided);
  const own = logarithmic(low, x.value + x.error, f);
  // log10 is a multiple of a logarithm: two roundings more.
  const further = f === Math.log10 ? 2 * UNIT * (Math.abs(value) + own) : 0;
  return opaque(value, carried(f, x) + own + further, x.undecided);
}

function squareRoot(x: Approximate): Approximate {
  const value = Math.sqrt(x.value);
  if (x.value === Infinity || (x.value === 0 && x.error === 0)) return exactly(value, x.undecided);
  // Below 0 by an error alone: devices take the root of the larger of 0 and the argument.
  if (!(x.value >= 0)) return unbounded(value, x.undecided);
  const flushed = x.value - x.error < FLUSH ? FLUSH : 0;
  const spread = carried(Math.sqrt, { value: x.value, error: x.error + flushed }, 0);
  return opaque(value, spread + SQUARE_ROOT_ULP * UNIT * (value + spread), x.undecided);
}

/** `x ** y` as ±exp2(y · log2 |x|), of a negative x only where y is sure to be an integer. */
function realPower(x: Approximate, y: Approximate): Approximate {
  const value = x.value ** y.value;
  const undecided = x.undecided || y.undecided;
  if (y.value === 0 && y.error === 0) return exactly(1);
  if (x.value === 0 && x.error === 0 && y.value - y.error > 0) return exactly(0, undecided);
  if (x.value < 0 && !(y.error === 0 && Number.isInteger(y.value))) return unbounded(value, undecided);
  const exponent = multiply(logarithm({ ...x, value: Math.abs(x.value) }, Math.log2), y, false);
  const reach = Math.abs(exponent.value) + exponent.error;
  const relative = Math.expm1(Math.LN2 * exponent.error + (3 + 2 * reach) * UNIT);
  return opaque(value, Math.abs(value) * relative + FLUSH, undecided);
}

/** `base ^ exponent` of a positive exponent, as a factor of a product. */
export function power(base: Approximate, exponent: number, integer: boolean): Approximate {
  if (Number.isInteger(exponent)) return integerPower(base, exponent, integer);
  if (exponent === 0.5) return squareRoot(base);
  return realPower(base, stored(exponent));
}

function cubeRoot(x: Approximate): Approximate {
  const value = Math.cbrt(x.value);
  if (x.value === 0 && x.error === 0) return x;
  if (Math.abs(x.value) <= x.error) return unbounded(value, x.undecided);
  return as(value, realPower({ ...x, value: Math.abs(x.value) }, stored(1 / 3)));
}

function sine(x: Approximate, f: (x: number) => number): Approximate {
  const value = f(x.value);
  return Math.abs(x.value) + x.error <= Math.PI ? opaque(value, SINE_ABSOLUTE + x.error, x.undecided) : unbounded(value, x.undecided);
}

function arcTangent(y: Approximate, x: Approximate): Approximate {
  const value = Math.atan2(y.value, x.value);
  const undecided = x.undecided || y.undecided;
  // On the axes devices give a constant.
  const onAxis = (y.value === 0 && y.error === 0 && Math.abs(x.value) > x.error) || (x.value === 0 && x.error === 0 && Math.abs(y.value) > y.error);
  if (onAxis) return opaque(value, UNIT * Math.abs(value), undecided);
  const least = Math.abs(x.value) - x.error;
  const outside = !(least >= FLUSH && Math.abs(x.value) + x.error <= 2 ** 126);
  // Across the negative half of the x axis the angle jumps by a whole turn.
  const crosses = x.value - x.error < 0 && Math.abs(y.value) <= y.error && y.error > 0;
  if (outside || crosses) return unbounded(value, undecided);
  const moved = Math.atan2(x.error + y.error, Math.max(0, Math.hypot(x.value, y.value) - x.error - y.error));
  return opaque(value, moved + ARC_TANGENT_ULP * UNIT * (Math.abs(value) + moved), undecided);
}

/** asin as atan2(x, √(1 − x²)), acos as atan2(√(1 − x²), x), or 6.77e-5 where that is worse. */
function arc(x: Approximate, fn: "asin" | "acos"): Approximate {
  const value = Math[fn](x.value);
  const other = squareRoot(linear(1, [-1], [multiply(x, x, false)], false));
  const formula = fn === "asin" ? arcTangent(x, other) : arcTangent(other, x);
  return opaque(value, Math.max(formula.error, ARC_ABSOLUTE + carried(Math.asin, x, -1, 1)), x.undecided);
}

const negated = (x: Approximate): Approximate => scaled(-1, x);

/** sinh and cosh as (exp(x) ∓ exp(−x)) / 2. */
function hyperbolic(x: Approximate, fn: "sinh" | "cosh"): Approximate {
  const [up, down] = [exponential(x, 0), exponential(negated(x), 0)];
  return as(Math[fn](x.value), scaled(0.5, fn === "sinh" ? subtract(up, down) : add(up, down)));
}

/** A function that steps between integers: a jump where the argument's error reaches over a step. */
function stepping(x: Approximate, f: (x: number) => number): Approximate {
  const value = f(x.value);
  const low = f(x.value - x.error);
  const high = f(x.value + x.error);
  if (low === high) return within(value, low, high, 0, x.undecided);
  return within(value, low, high, 0, true);
}

type Rule = (x: Approximate, rescalings: number) => Approximate;

const RULES: Readonly<Record<Exclude<MathFunction, "pow" | "atan2">, Rule>> = {
  exp: exponential,
  expm1: (x, rescalings) => as(Math.expm1(x.value), linear(-1, [1], [exponential(x, rescalings)], false)),
  log: (x) => logarithm(x, Math.log),
  log2: (x) => logarithm(x, Math.log2),
  log10: (x) => logarithm(x, Math.log10),
  log1p: (x) => as(Math.log1p(x.value), logarithm(add(one, x), Math.log)),
  sqrt: squareRoot,
  cbrt: cubeRoot,
  sin: (x) => sine(x, Math.sin),
  cos: (x) => sine(x, Math.cos),
  tan: (x) => as(Math.tan(x.value), divide(sine(x, Math.sin), sine(x, Math.cos))),
  asin: (x) => arc(x, "asin"),
  acos: (x) => arc(x, "acos"),
  atan: (x) => {
    const value = Math.atan(x.value);
    const spread = carried(Math.atan, x);
    return opaque(value, spread + ARC_TANGENT_ULP * UNIT * (Math.abs(value) + spread), x.undecided);
  },
  sinh: (x) => hyperbolic(x, "sinh"),
  cosh: (x) => hyperbolic(x, "cosh"),
  tanh: (x) => opaque(Math.tanh(x.value), carried(Math.tanh, x) + TANH_ABSOLUTE, x.undecided),
  asinh: (x) => as(Math.asinh(x.value), logarithm(add(x, squareRoot(linear(1, [1], [multiply(x, x, false)], false))), Math.log)),
  acosh: (x) => as(Math.acosh(x.value), logarithm(add(x, squareRoot(linear(-1, [1], [multiply(x, x, false)], false))), Math.log)),
  atanh: (x) => as(Math.atanh(x.value), scaled(0.5, logarithm(divide(add(one, x), subtract(one, x)), Math.log))),
  floor: (x) => stepping(x, Math.floor),
  ceil: (x) => stepping(x, Math.ceil),
  round: (x) => stepping(x, Math.round),
  trunc: (x) => stepping(x, Math.trunc),
  sign: (x) => stepping(x, Math.sign),
  abs: (x) => extreme(1, x, negated(x)),
  fround: (x) => {
    const value = Math.fround(x.value);
    return value === x.value ? x : opaque(value, x.error + Math.abs(value - x.value), x.undecided);
  },
};

/** `Math.fn(…args)`. */
export function apply(fn: MathFunction, args: readonly Approximate[], rescalings: number): Approximate {
  const [x, y] = args;
  if (x === undefined) return unbounded(NaN);
  if (fn === "pow" || fn === "atan2") {
    if (y === undefined) return unbounded(NaN);
    return fn === "pow" ? realPower(x, y) : arcTangent(x, y);
  }
  const result = RULES[fn](x, rescalings);
  return Number.isNaN(result.value) ? unbounded(result.value, result.undecided) : result;
}

/** The bound of f16 storage: either neighbour, subnormal numbers flushed or not, nothing beyond the largest half. */
export function toHalf(x: Approximate): Approximate {
  const reach = Math.abs(x.value) + x.error;
  if (!Number.isFinite(x.value) || !(reach < 65504)) return x.error === 0 && !Number.isFinite(x.value) ? x : unbounded(x.value, x.undecided);
  return opaque(x.value, x.error + 2 ** -10 * reach + 2 ** -14, x.undecided);
}

