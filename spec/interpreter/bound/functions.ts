/**
 * @file What a backend makes of the functions of `Math`: the accuracy that it promises of those it has, and for others, of
 * the formula that `spec/numerics.md` prescribes. Each takes an argument with its error and adds its own.
 */

import type { MathFunction } from "../../graph/node";
import { gamma, type Accuracy } from "./accuracy";
import { divide, exactly, extreme, formed, integerPower, linear, multiply, opaque, stored, unbounded, within, type Approximate } from "./approximate";
import { FormSum } from "./form";
import { LEAST_NORMAL } from "./rounding";

/** f64 functions of `Math` themselves are not correctly rounded. */
const OWN = 2 ** -50;
/** Roundings, as shares of the result, of the series that stand for expm1 and log1p near 0, what they leave out included. */
const SERIES = 6;

/** How far a function that grows carries an error of its argument, between the ends of its domain. */
function carried(f: (x: number) => number, { value, error }: Pick<Approximate, "value" | "error">, least = -Infinity, greatest = Infinity): number {
  if (error === 0) return 0;
  const y = f(value);
  return Math.max(Math.abs(f(Math.min(value + error, greatest)) - y), Math.abs(y - f(Math.max(value - error, least)))) + OWN * Math.abs(y);
}

const one = exactly(1);

/** `f(x)` with the bound of a formula for it. */
const as = (value: number, formula: Approximate): Approximate => ({ ...formula, value });

/** The wider of two bounds on one number. */
const wider = (a: Approximate, b: Approximate): Approximate => (a.error >= b.error ? a : { ...b, value: a.value });

/** The functions, as one backend has them. */
class Functions {
  readonly #accuracy: Accuracy;

  constructor(accuracy: Accuracy) {
    this.#accuracy = accuracy;
  }

  #linear(constant: number, ...terms: readonly (readonly [number, Approximate])[]): Approximate {
    return linear(this.#accuracy, constant, terms.map(([coefficient]) => coefficient), terms.map(([, term]) => term), false);
  }

  #multiply(a: Approximate, b: Approximate): Approximate {
    return multiply(this.#accuracy, a, b, false);
  }

  #divide(a: Approximate, b: Approximate): Approximate {
    return divide(this.#accuracy, a, b);
  }

  /** The relative error of so many roundings, and of storing what comes of them. */
  #roundings(count: number): number {
    return gamma(this.#accuracy, count, 1);
  }

  /** A function that JavaScript computes, of an argument from `least` to `greatest`. */
  #direct(x: Approximate, f: (x: number) => number, least = -Infinity, greatest = Infinity): Approximate {
    const value = f(x.value);
    if (x.error === 0 && !Number.isFinite(x.value)) return Number.isNaN(value) ? unbounded(value, x.undecided) : exactly(value, x.undecided);
    const spread = carried(f, x, least, greatest);
    return opaque(value, spread + this.#roundings(this.#accuracy.arcTangent) * (Math.abs(value) + spread) + this.#accuracy.flush, x.undecided);
  }

  /**
   * exp. To first order the result moves by e^x times what x does; the second order, and the error of the function itself,
   * are its own: for WGSL 3 + 2|x| ULP; |x| more for the rounding of the argument where it is a difference of references;
   * and for each of `rescalings` another exponential and product: exp(s − m) = exp(s − m′) · exp(m′ − m), where m′ lies between.
   */
  exponential(x: Approximate, rescalings: number): Approximate {
    if (x.error === 0 && (x.value === -Infinity || x.value === Infinity)) return exactly(Math.exp(x.value), x.undecided);
    const { exp, flush } = this.#accuracy;
    const value = Math.exp(x.value);
    const reach = Math.abs(x.value) + x.error;
    const own = gamma(this.#accuracy, exp.ulps + (exp.perMagnitude + 1) * reach + (exp.ulps + 2) * rescalings, 1 + (rescalings > 0 ? reach : 0) + 3 * rescalings);
    const grown = Math.exp(x.error);
    const sources = new FormSum();
    sources.add(value, x);
    // (e^δ − 1 − δ) ≤ δ²·e^|δ|/2, which unlike the left side keeps its digits where δ is small.
    const second = (x.error * x.error * grown) / 2;
    return formed(value, sources.form, sources.rest + value * (second + grown * own) + (rescalings + 1) * flush, { size: 0, span: 0 }, x.undecided);
  }

  /** The absolute error of log, of a device's argument from `low` to `high`; it is 0 at 1. */
  #logarithmic(low: number, high: number, f: (x: number) => number): number {
    const { log: { ulps, nearOne } } = this.#accuracy;
    const relative = this.#roundings(ulps) * Math.max(Math.abs(f(low)), Math.abs(f(high)));
    if (nearOne === 0) return relative;
    if (low >= 0.5 && high <= 2) return nearOne;
    return low > 2 || high < 0.5 ? relative : Math.max(nearOne, relative);
  }

  logarithm(x: Approximate, f: (x: number) => number): Approximate {
    const value = f(x.value);
    if (x.error === 0 && (x.value === 0 || x.value === Infinity)) return exactly(value, x.undecided);
    const low = x.value - x.error;
    if (!(low >= LEAST_NORMAL)) return unbounded(value, x.undecided);
    const own = this.#logarithmic(low, x.value + x.error, f);
    // log10 is a multiple of a logarithm: two roundings more.
    const further = f === Math.log10 ? this.#roundings(2) * (Math.abs(value) + own) : 0;
    return opaque(value, carried(f, x) + own + further, x.undecided);
  }

  squareRoot(x: Approximate): Approximate {
    const value = Math.sqrt(x.value);
    if (x.value === Infinity || (x.value === 0 && x.error === 0)) return exactly(value, x.undecided);
    // Below 0 by an error alone: devices take the root of the larger of 0 and the argument.
    if (!(x.value >= 0)) return unbounded(value, x.undecided);
    const { leastNormal, squareRoot } = this.#accuracy;
    const flushed = x.value - x.error < leastNormal ? leastNormal : 0;
    const spread = carried(Math.sqrt, { value: x.value, error: x.error + flushed }, 0);
    return opaque(value, spread + this.#roundings(squareRoot) * (value + spread), x.undecided);
  }

  /** `x ** y` as ±exp2(y · log2 |x|), or exp(y · log |x|), of a negative x only where y is sure to be an integer. */
  realPower(x: Approximate, y: Approximate): Approximate {
    const value = x.value ** y.value;
    const undecided = x.undecided || y.undecided;
    if (y.value === 0 && y.error === 0) return exactly(1);
    if (x.value === 0 && x.error === 0 && y.value - y.error > 0) return exactly(0, undecided);
    if (x.value < 0 && !(y.error === 0 && Number.isInteger(y.value))) return unbounded(value, undecided);
    const { exp, power: base, flush } = this.#accuracy;
    const exponent = this.#multiply(this.logarithm({ ...x, value: Math.abs(x.value) }, base === "natural" ? Math.log : Math.log2), y);
    const reach = Math.abs(exponent.value) + exponent.error;
    const relative = Math.expm1((base === "natural" ? 1 : Math.LN2) * exponent.error + Math.log1p(this.#roundings(exp.ulps + exp.perMagnitude * reach)));
    return opaque(value, Math.abs(value) * relative + flush, undecided);
  }

  /** `base ^ exponent` of a positive exponent, as a factor of a product. */
  power(base: Approximate, exponent: number, integer: boolean): Approximate {
    if (Number.isInteger(exponent)) return integerPower(this.#accuracy, base, exponent, integer);
    if (exponent === 0.5) return this.squareRoot(base);
    const real = this.realPower(base, stored(this.#accuracy, exponent));
    // A half beside an integer may be a square root.
    return Number.isInteger(2 * exponent) ? wider(real, this.#multiply(integerPower(this.#accuracy, base, Math.floor(exponent), integer), this.squareRoot(base))) : real;
  }

  cubeRoot(x: Approximate): Approximate {
    const value = Math.cbrt(x.value);
    if (x.value === 0 && x.error === 0) return x;
    if (Math.abs(x.value) <= x.error) return unbounded(value, x.undecided);
    return as(value, this.realPower({ ...x, value: Math.abs(x.value) }, stored(this.#accuracy, 1 / 3)));
  }

  sine(x: Approximate, f: (x: number) => number): Approximate {
    const value = f(x.value);
    const { sine: { absolute, within: reach }, store } = this.#accuracy;
    return Math.abs(x.value) + x.error <= reach ? opaque(value, absolute + store * Math.abs(value) + x.error, x.undecided) : unbounded(value, x.undecided);
  }

  arcTangent(y: Approximate, x: Approximate): Approximate {
    const value = Math.atan2(y.value, x.value);
    const undecided = x.undecided || y.undecided;
    // On the axes devices give a constant.
    const onAxis = (y.value === 0 && y.error === 0 && Math.abs(x.value) > x.error) || (x.value === 0 && x.error === 0 && Math.abs(y.value) > y.error);
    if (onAxis) return opaque(value, this.#roundings(1) * Math.abs(value), undecided);
    const least = Math.abs(x.value) - x.error;
    const outside = !(least >= LEAST_NORMAL && Math.abs(x.value) + x.error <= 2 ** 126);
    // Across the negative half of the x axis the angle jumps by a whole turn.
    const crosses = x.value - x.error < 0 && Math.abs(y.value) <= y.error && y.error > 0;
    if (outside || crosses) return unbounded(value, undecided);
    const moved = Math.atan2(x.error + y.error, Math.max(0, Math.hypot(x.value, y.value) - x.error - y.error));
    return opaque(value, moved + this.#roundings(this.#accuracy.arcTangent) * (Math.abs(value) + moved) + this.#accuracy.flush, undecided);
  }

  /** asin as atan2(x, √(1 − x²)), acos as atan2(√(1 − x²), x), or an absolute error where that is worse. */
  arc(x: Approximate, fn: "asin" | "acos"): Approximate {
    const value = Math[fn](x.value);
    const { arcSine } = this.#accuracy;
    if (arcSine === undefined) return this.#direct(x, (at) => Math[fn](at), -1, 1);
    const other = this.squareRoot(this.#linear(1, [-1, this.#multiply(x, x)]));
    const formula = fn === "asin" ? this.arcTangent(x, other) : this.arcTangent(other, x);
    return opaque(value, Math.max(formula.error, arcSine + carried(Math.asin, x, -1, 1)), x.undecided);
  }

  /** sinh and cosh as (exp(x) ∓ exp(−x)) / 2. */
  hyperbolic(x: Approximate, fn: "sinh" | "cosh"): Approximate {
    const [up, down] = [this.exponential(x, 0), this.exponential(this.negated(x), 0)];
    return as(Math[fn](x.value), this.#linear(0, [0.5, this.#linear(0, [1, up], [fn === "sinh" ? -1 : 1, down])]));
  }

  /** A function that steps between integers: a jump where the argument's error reaches over a step. */
  stepping(x: Approximate, f: (x: number) => number): Approximate {
    const value = f(x.value);
    const low = f(x.value - x.error);
    const high = f(x.value + x.error);
    if (low === high) return within(value, low, high, 0, x.undecided);
    return within(value, low, high, 0, true);
  }

  negated(x: Approximate): Approximate {
    return this.#linear(0, [-1, x]);
  }

  /** What a series near 0 makes of it, or the formula that it stands for, whichever is off by more. */
  #series(x: Approximate, f: (x: number) => number, formula: Approximate): Approximate {
    const value = f(x.value);
    const spread = carried(f, x);
    return wider(as(value, formula), opaque(value, spread + this.#roundings(SERIES) * (Math.abs(value) + spread), x.undecided));
  }

  /** log(x + √(x² ± 1)). */
  #areaFunction(x: Approximate, constant: 1 | -1, f: (x: number) => number): Approximate {
    return as(f(x.value), this.logarithm(this.#linear(0, [1, x], [1, this.squareRoot(this.#linear(constant, [1, this.#multiply(x, x)]))]), Math.log));
  }

  apply(fn: Exclude<MathFunction, "pow" | "atan2">, x: Approximate, rescalings: number): Approximate {
    const direct = this.#accuracy.arcSine === undefined;
    switch (fn) {
      case "exp": return this.exponential(x, rescalings);
      case "expm1": return this.#series(x, Math.expm1, this.#linear(-1, [1, this.exponential(x, rescalings)]));
      case "log": return this.logarithm(x, Math.log);
      case "log2": return this.logarithm(x, Math.log2);
      case "log10": return this.logarithm(x, Math.log10);
      case "log1p": return this.#series(x, Math.log1p, this.logarithm(this.#linear(0, [1, one], [1, x]), Math.log));
      case "sqrt": return this.squareRoot(x);
      case "cbrt": return this.cubeRoot(x);
      case "sin": case "cos": return this.sine(x, (at) => Math[fn](at));
      case "tan": return as(Math.tan(x.value), this.#divide(this.sine(x, Math.sin), this.sine(x, Math.cos)));
      case "asin": case "acos": return this.arc(x, fn);
      case "atan": {
        const value = Math.atan(x.value);
        const spread = carried(Math.atan, x);
        return opaque(value, spread + this.#roundings(this.#accuracy.arcTangent) * (Math.abs(value) + spread), x.undecided);
      }
      case "sinh": case "cosh": return direct ? this.#hyperbolicDirect(x, fn) : this.hyperbolic(x, fn);
      case "tanh": return opaque(Math.tanh(x.value), carried(Math.tanh, x) + this.#accuracy.tanh + this.#accuracy.store * Math.abs(Math.tanh(x.value)), x.undecided);
      case "asinh": return direct ? this.#direct(x, Math.asinh) : this.#areaFunction(x, 1, Math.asinh);
      case "acosh": return direct ? this.#ofDomain(x, Math.acosh, 1, Infinity) : this.#areaFunction(x, -1, Math.acosh);
      case "atanh": {
        if (direct) return this.#ofDomain(x, Math.atanh, -1, 1);
        return as(Math.atanh(x.value), this.#linear(0, [0.5, this.logarithm(this.#divide(this.#linear(0, [1, one], [1, x]), this.#linear(0, [1, one], [-1, x])), Math.log)]));
      }
      case "floor": case "ceil": case "round": case "trunc": case "sign": return this.stepping(x, (at) => Math[fn](at));
      case "abs": return extreme(1, x, this.negated(x));
      case "fround": {
        const value = Math.fround(x.value);
        return value === x.value ? x : opaque(value, x.error + Math.abs(value - x.value), x.undecided);
      }
    }
  }

  /** cosh has its least value where it does not grow: it moves by no more than sinh and cosh of the magnitude. */
  #hyperbolicDirect(x: Approximate, fn: "sinh" | "cosh"): Approximate {
    if (fn === "sinh") return this.#direct(x, Math.sinh);
    const least = Math.max(0, Math.abs(x.value) - x.error);
    const magnitude = { ...x, value: Math.abs(x.value) };
    const moved = this.#direct(magnitude, Math.cosh, least);
    return { ...moved, value: Math.cosh(x.value) };
  }

  /** A function that nothing is promised of where its argument may lie beyond its domain. */
  #ofDomain(x: Approximate, f: (x: number) => number, least: number, greatest: number): Approximate {
    return x.value - x.error >= least && x.value + x.error <= greatest ? this.#direct(x, f, least, greatest) : unbounded(f(x.value), x.undecided);
  }
}

const made = new Map<Accuracy, Functions>();

function functionsOf(accuracy: Accuracy): Functions {
  let functions = made.get(accuracy);
  if (functions === undefined) made.set(accuracy, (functions = new Functions(accuracy)));
  return functions;
}

/** `base ^ exponent` of a positive exponent, as a factor of a product. */
export const power = (accuracy: Accuracy, base: Approximate, exponent: number, integer: boolean): Approximate => functionsOf(accuracy).power(base, exponent, integer);

/** `Math.fn(…args)`. */
export function apply(accuracy: Accuracy, fn: MathFunction, args: readonly Approximate[], rescalings: number): Approximate {
  const [x, y] = args;
  if (x === undefined) return unbounded(NaN);
  const functions = functionsOf(accuracy);
  if (fn === "pow" || fn === "atan2") {
    if (y === undefined) return unbounded(NaN);
    return fn === "pow" ? functions.realPower(x, y) : functions.arcTangent(x, y);
  }
  const result = functions.apply(fn, x, rescalings);
  return Number.isNaN(result.value) ? unbounded(result.value, result.undecided) : result;
}

/** The bound of f16 storage, nothing beyond the largest half. */
export function toHalf({ half: { relative, absolute } }: Accuracy, x: Approximate): Approximate {
  const reach = Math.abs(x.value) + x.error;
  if (!Number.isFinite(x.value) || !(reach < 65504)) return x.error === 0 && !Number.isFinite(x.value) ? x : unbounded(x.value, x.undecided);
  return opaque(x.value, x.error + relative * reach + absolute, x.undecided);
}
