/** @file What is known of each kind of value from what is known of its parts: interval arithmetic with separate infinities. */

import type { BitwiseOperator, Element, Facts, MathFunction, ReduceOperator, Tensor, Value } from "./node";

/** The least positive normal f32. `nonZero` licenses divisions, so it must survive rounding and flushed subnormals. */
const LEAST = 2 ** -126;

type More = Partial<Omit<Facts, "low" | "high">>;
const NOTHING_MORE: More = {};

/** Facts of a finite number in [low, high] of which nothing else is known; `nonZero` also when the interval stays clear of 0. */
export function range(low: number, high: number, more: More = NOTHING_MORE): Facts {
  return {
    low: low + 0,
    high: high + 0,
    mayBeNegativeInfinity: more.mayBeNegativeInfinity === true,
    mayBePositiveInfinity: more.mayBePositiveInfinity === true,
    integer: more.integer === true,
    nonZero: more.nonZero === true || low >= LEAST || high <= -LEAST,
  };
}

/** What is known of a number of which both are known. */
export function both(a: Facts, b: Facts): Facts {
  return range(Math.max(a.low, b.low), Math.min(a.high, b.high), {
    mayBeNegativeInfinity: a.mayBeNegativeInfinity && b.mayBeNegativeInfinity,
    mayBePositiveInfinity: a.mayBePositiveInfinity && b.mayBePositiveInfinity,
    integer: a.integer || b.integer,
    nonZero: a.nonZero || b.nonZero,
  });
}

export const TRUTH_FACTS: Facts = range(0, 1, { integer: true });

/** Neither −∞ nor +∞, whatever the inputs. */
export const isFinite = (facts: Facts): boolean => !facts.mayBeNegativeInfinity && !facts.mayBePositiveInfinity;

export function constantFacts(value: number): Facts {
  return range(value, value, {
    mayBeNegativeInfinity: value === -Infinity,
    mayBePositiveInfinity: value === Infinity,
    integer: Number.isInteger(value),
  });
}

/** What a stored element can be. Loads are finite, but of inputs that are tested for infinities, once a graph is lowered: see `spec/language.md`. */
export function elementFacts(element: Element, infinite: Tensor["infinities"] = { negative: false, positive: false }): Facts {
  switch (element.kind) {
    case "f32": return range(infinite.negative ? -Infinity : -3.4028234663852886e38, infinite.positive ? Infinity : 3.4028234663852886e38, { mayBeNegativeInfinity: infinite.negative, mayBePositiveInfinity: infinite.positive });
    case "f16": return range(-65504, 65504);
    case "i32": return range(-(2 ** 31), 2 ** 31 - 1, { integer: true });
    case "u32": return range(0, 2 ** 32 - 1, { integer: true });
    case "uint": return range(0, 2 ** element.bits - 1, { integer: true });
  }
}

/** `0 · ∞` counts as 0: a bound that is not reached. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

export function linearFacts(constant: number, terms: readonly (readonly [number, Value])[]): Facts {
  let low = constant;
  let high = constant;
  let negative = false;
  let positive = false;
  let integer = Number.isInteger(constant);
  for (const [coefficient, { facts }] of terms) {
    const up = coefficient > 0;
    low += times(coefficient, up ? facts.low : facts.high);
    high += times(coefficient, up ? facts.high : facts.low);
    negative ||= up ? facts.mayBeNegativeInfinity : facts.mayBePositiveInfinity;
    positive ||= up ? facts.mayBePositiveInfinity : facts.mayBeNegativeInfinity;
    integer &&= facts.integer && Number.isInteger(coefficient);
  }
  if (Number.isNaN(low)) low = -Infinity;
  if (Number.isNaN(high)) high = Infinity;
  const sameSign = (sign: 1 | -1): boolean =>
    sign * constant >= 0 && terms.every(([k, t]) => (sign * k > 0 ? t.facts.low >= 0 : t.facts.high <= 0));
  const apart = (sameSign(1) || sameSign(-1)) && (constant !== 0 || terms.some(([, t]) => t.facts.nonZero));
  const [only] = terms;
  const scaled = constant === 0 && terms.length === 1 && only !== undefined && only[1].facts.nonZero && Math.abs(only[0]) >= 1;
  return range(low, high, { mayBeNegativeInfinity: negative, mayBePositiveInfinity: positive, integer, nonZero: apart || scaled });
}

function powerRange({ low, high }: Facts, exponent: number): readonly [number, number] {
  if (exponent === 1) return [low, high];
  if (Number.isInteger(exponent) && exponent > 0 && exponent % 2 === 0) {
    const far = Math.max(Math.abs(low), Math.abs(high)) ** exponent;
    const near = low <= 0 && high >= 0 ? 0 : Math.min(Math.abs(low), Math.abs(high)) ** exponent;
    return [near, far];
  }
  if (low >= 0) return exponent > 0 ? [low ** exponent, high ** exponent] : [high ** exponent, low ** exponent];
  if (exponent > 0) return [low ** exponent, high ** exponent];
  if (high < 0) return [high ** exponent, low ** exponent];
  return [-Infinity, Infinity];
}

export function productFacts(factors: readonly (readonly [Value, number])[]): Facts {
  let low = 1;
  let high = 1;
  for (const [base, exponent] of factors) {
    const [a, b] = powerRange(base.facts, exponent);
    const corners = [times(low, a), times(low, b), times(high, a), times(high, b)];
    low = Math.min(...corners);
    high = Math.max(...corners);
  }
  if (Number.isNaN(low) || Number.isNaN(high)) [low, high] = [-Infinity, Infinity];
  const finite = factors.every(([base, exponent]) => isFinite(base.facts) && (exponent > 0 || base.facts.nonZero));
  const [only] = factors;
  return range(low, high, {
    mayBeNegativeInfinity: !finite && low < 0,
    mayBePositiveInfinity: !finite && high > 0,
    // A product of two numbers that are not 0 may underflow to 0; a root or reciprocal of one does not.
    nonZero: only !== undefined && factors.length === 1 && only[0].facts.nonZero && Math.abs(only[1]) <= 1 && isFinite(only[0].facts),
    integer: factors.every(([base, exponent]) => base.facts.integer && exponent > 0 && Number.isInteger(exponent)),
  });
}

export function quotientFacts(left: Facts, right: Facts): Facts {
  const corners = [left.low / Math.max(right.low, 1), left.low / right.high, left.high / Math.max(right.low, 1), left.high / right.high];
  const known = corners.filter((corner) => !Number.isNaN(corner));
  return range(Math.floor(Math.min(...known, 0 < left.low ? Infinity : 0)), Math.floor(Math.max(...known)), { integer: true });
}

export function remainderFacts(left: Facts, right: Facts): Facts {
  const integer = left.integer && right.integer;
  const reach = Math.max(Math.abs(right.low), Math.abs(right.high)) - (integer ? 1 : 0);
  return range(left.low >= 0 ? 0 : Math.max(-reach, left.low), left.high <= 0 ? 0 : Math.min(reach, left.high), { integer });
}

/** Functions that grow with their argument on the whole of their domain, with the ends of their range. */
const GROWING: Partial<Record<MathFunction, readonly [number, number]>> = {
  exp: [0, Infinity], expm1: [-1, Infinity], log: [-Infinity, Infinity], log2: [-Infinity, Infinity],
  log10: [-Infinity, Infinity], log1p: [-Infinity, Infinity], sqrt: [0, Infinity], cbrt: [-Infinity, Infinity],
  atan: [-Math.PI / 2, Math.PI / 2], sinh: [-Infinity, Infinity], tanh: [-1, 1], asinh: [-Infinity, Infinity],
  asin: [-Math.PI / 2, Math.PI / 2], atanh: [-Infinity, Infinity], acosh: [0, Infinity], floor: [-Infinity, Infinity],
  ceil: [-Infinity, Infinity], round: [-Infinity, Infinity], trunc: [-Infinity, Infinity], sign: [-1, 1], fround: [-Infinity, Infinity],
};
const INTEGRAL: ReadonlySet<MathFunction> = new Set<MathFunction>(["floor", "ceil", "round", "trunc", "sign"]);

export function applyFacts(fn: MathFunction, args: readonly Facts[]): Facts {
  const [x] = args;
  if (x === undefined) return range(-Infinity, Infinity, { mayBeNegativeInfinity: true, mayBePositiveInfinity: true });
  const ends = GROWING[fn];
  if (ends !== undefined) {
    const at = (v: number, otherwise: number): number => {
      const y = Math[fn as "exp"](v);
      return Number.isNaN(y) ? otherwise : y;
    };
    const low = Math.max(ends[0], at(x.low, ends[0]));
    const high = Math.min(ends[1], at(x.high, ends[1]));
    const grows = ends[1] === Infinity;
    const poles = fn === "log" || fn === "log2" || fn === "log10" ? !x.nonZero : fn === "log1p" ? x.low <= -1 : fn === "atanh";
    // exp(x) > 0 over the reals, but not after rounding: only a bound on x proves it, by way of the interval.
    const nonZero = (fn === "sqrt" || fn === "cbrt" || fn === "tanh") && x.nonZero;
    return range(low, high, {
      mayBePositiveInfinity: (grows && x.mayBePositiveInfinity) || fn === "atanh",
      mayBeNegativeInfinity: (ends[0] === -Infinity && x.mayBeNegativeInfinity) || poles,
      nonZero,
      integer: INTEGRAL.has(fn) || (fn === "fround" && x.integer && Math.max(-x.low, x.high) <= 2 ** 24),
    });
  }
  switch (fn) {
    case "abs": {
      const far = Math.max(Math.abs(x.low), Math.abs(x.high));
      const near = x.low <= 0 && x.high >= 0 ? 0 : Math.min(Math.abs(x.low), Math.abs(x.high));
      return range(near, far, { integer: x.integer, nonZero: x.nonZero, mayBePositiveInfinity: !isFinite(x) });
    }
    case "cosh": return range(1, Infinity, { mayBePositiveInfinity: !isFinite(x) });
    case "sin": case "cos": return range(-1, 1);
    case "acos": return range(0, Math.PI);
    case "atan2": return range(-Math.PI, Math.PI);
    case "pow": {
      const positive = x.low > 0 || (x.low >= 0 && x.nonZero);
      return range(x.low >= 0 ? 0 : -Infinity, Infinity, {
        mayBePositiveInfinity: !positive || args.some((a) => !isFinite(a)),
        mayBeNegativeInfinity: x.low < 0,
      });
    }
    default: return range(-Infinity, Infinity);
  }
}

export function bitwiseFacts(op: BitwiseOperator, left: Facts, right: Facts): Facts {
  const integer = true;
  const top = (bound: number): number => (bound < 1 ? 0 : 2 ** Math.ceil(Math.log2(bound + 1)) - 1);
  const unsigned = left.low >= 0 && left.high < 2 ** 31;
  const both = unsigned && right.low >= 0 && right.high < 2 ** 31;
  switch (op) {
    case "&":
      if (both) return range(0, Math.min(left.high, right.high), { integer });
      if (unsigned) return range(0, left.high, { integer });
      if (right.low >= 0 && right.high < 2 ** 31) return range(0, right.high, { integer });
      break;
    case "|": case "^":
      if (both) return range(0, top(Math.max(left.high, right.high)), { integer });
      break;
    case "<<":
      if (both && right.high < 32 && left.high * 2 ** right.high < 2 ** 31) return range(left.low * 2 ** right.low, left.high * 2 ** right.high, { integer });
      break;
    case ">>":
      if (both && right.high < 32) return range(Math.floor(left.low / 2 ** right.high), Math.floor(left.high / 2 ** right.low), { integer });
      break;
    case ">>>":
      if (left.low >= 0 && right.low >= 0 && right.high < 32) return range(Math.floor(left.low / 2 ** right.high), Math.floor(left.high / 2 ** right.low), { integer });
      return range(0, 2 ** 32 - 1, { integer });
  }
  return range(-(2 ** 31), 2 ** 31 - 1, { integer });
}

/** The larger of two; the smaller by symmetry. */
export function extremeFacts(kind: "larger" | "smaller", a: Facts, b: Facts): Facts {
  const integer = a.integer && b.integer;
  const nonZero = a.nonZero && b.nonZero;
  return kind === "larger"
    ? range(Math.max(a.low, b.low), Math.max(a.high, b.high), {
        integer, nonZero,
        mayBeNegativeInfinity: a.mayBeNegativeInfinity && b.mayBeNegativeInfinity,
        mayBePositiveInfinity: a.mayBePositiveInfinity || b.mayBePositiveInfinity,
      })
    : range(Math.min(a.low, b.low), Math.min(a.high, b.high), {
        integer, nonZero,
        mayBeNegativeInfinity: a.mayBeNegativeInfinity || b.mayBeNegativeInfinity,
        mayBePositiveInfinity: a.mayBePositiveInfinity && b.mayBePositiveInfinity,
      });
}

/** Narrows what is known of `value` on the side of a select where `condition` is `holds`. */
function refine(value: Value, condition: Value, holds: boolean): Facts {
  let { facts } = value;
  if (condition.kind === "equal" && !holds) {
    const other = condition.left === value ? condition.right : condition.right === value ? condition.left : undefined;
    if (other?.kind === "constant") {
      if (other.value === -Infinity) facts = { ...facts, mayBeNegativeInfinity: false };
      if (other.value === Infinity) facts = { ...facts, mayBePositiveInfinity: false };
      if (other.value === 0) facts = { ...facts, nonZero: true };
    }
  }
  if (condition.kind === "less" || condition.kind === "atMost") {
    // Where a < b holds, b is not −∞ and a is not +∞; where it fails, b ≤ a, and a is −∞ only if b is.
    const [small, large] = holds ? [condition.left, condition.right] : [condition.right, condition.left];
    const strict = (condition.kind === "less") === holds;
    if (value === large && (strict || !small.facts.mayBeNegativeInfinity)) facts = { ...facts, mayBeNegativeInfinity: false };
    if (value === small && (strict || !large.facts.mayBePositiveInfinity)) facts = { ...facts, mayBePositiveInfinity: false };
    if (value === large) facts = { ...facts, low: Math.max(facts.low, small.facts.low), nonZero: facts.nonZero || small.facts.low > 0 || (strict && small.facts.low >= 0) };
    if (value === small) facts = { ...facts, high: Math.min(facts.high, large.facts.high), nonZero: facts.nonZero || large.facts.high < 0 || (strict && large.facts.high <= 0) };
  }
  return facts;
}

export function selectFacts(condition: Value, yes: Value, no: Value): Facts {
  const a = refine(yes, condition, true);
  const b = refine(no, condition, false);
  return range(Math.min(a.low, b.low), Math.max(a.high, b.high), {
    mayBeNegativeInfinity: a.mayBeNegativeInfinity || b.mayBeNegativeInfinity,
    mayBePositiveInfinity: a.mayBePositiveInfinity || b.mayBePositiveInfinity,
    nonZero: a.nonZero && b.nonZero,
    integer: a.integer && b.integer,
  });
}

export function reduceFacts(op: ReduceOperator, extent: Value, where: Value, body: Facts): Facts {
  const count = extent.facts.high;
  const full = where.kind === "truth" && where.value;
  const nonEmpty = full && extent.facts.low >= 1;
  switch (op) {
    case "sum":
      return range(body.low >= 0 ? (nonEmpty ? times(extent.facts.low, body.low) : 0) : times(body.low, count), body.high <= 0 ? 0 : times(body.high, count), {
        mayBeNegativeInfinity: body.mayBeNegativeInfinity,
        mayBePositiveInfinity: body.mayBePositiveInfinity,
        integer: body.integer,
        nonZero: nonEmpty && body.nonZero && (body.low >= 0 || body.high <= 0),
      });
    case "max":
      return range(nonEmpty ? body.low : -Infinity, body.high, {
        mayBeNegativeInfinity: !nonEmpty || body.mayBeNegativeInfinity,
        mayBePositiveInfinity: body.mayBePositiveInfinity,
        integer: nonEmpty && body.integer,
        nonZero: nonEmpty && body.nonZero,
      });
    case "min":
      return range(body.low, nonEmpty ? body.high : Infinity, {
        mayBeNegativeInfinity: body.mayBeNegativeInfinity,
        mayBePositiveInfinity: !nonEmpty || body.mayBePositiveInfinity,
        integer: nonEmpty && body.integer,
        nonZero: nonEmpty && body.nonZero,
      });
    case "argmax": case "argmin":
      return range(0, Math.max(0, count - 1), { integer: true });
    case "any":
      return TRUTH_FACTS;
  }
}
