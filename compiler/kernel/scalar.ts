/**
 * @file In which scalar type a kernel computes a value: i32, u32, f32 or bool. This is the whole rule; printers and the
 * simulator follow it.
 *
 * A truth is a bool. A number is an integer type where it is an integer by its facts, cannot be infinite, fits the type,
 * and is made of integers that are themselves exact modulo 2³²: sums and products wrap, so that only the result needs to
 * fit. Everything else is f32. What is made of positions, sizes and codes only, and fits for some sizes but not for all, is i32
 * and *checked*: the sizes are refused at launch where it does not fit.
 */

import type { Value } from "../../spec/graph/node";
import { isTruth } from "../../spec/graph/builder";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { boundsOf, I32, U32, within } from "./bounds";

export type Scalar = "i32" | "u32" | "f32" | "bool";

/** `wide`: exact modulo 2³², but too large for either type. As a position or in a comparison it saturates; as a real it is f32. */
export type IntegerType = "i32" | "u32" | "wide";

const types = new WeakMap<Value, { readonly type: IntegerType | undefined }>();

/** The integer type of a number, or undefined for one that is computed in f32. */
export function integerType(value: Value): IntegerType | undefined {
  let known = types.get(value);
  if (known === undefined) {
    known = { type: derive(value) };
    types.set(value, known);
  }
  return known.type;
}

/** The type of a value on its own, where its use does not ask for another. */
export function scalarType(value: Value): Scalar {
  if (isTruth(value)) return "bool";
  const type = integerType(value);
  return type === "i32" || type === "u32" ? type : "f32";
}

/** Whether a value of type i32 fits only for some sizes. */
export const isChecked = (value: Value): boolean => integerType(value) === "i32" && !within(boundsOf(value), I32);

/** Whether a value can be computed exactly modulo 2³². */
export const isModular = (value: Value): boolean => {
  const type = integerType(value);
  return type === "i32" || type === "u32" || (type === "wide" && (value.kind === "linear" || value.kind === "product" || value.kind === "constant"));
};

function fit(value: Value): IntegerType {
  const bounds = boundsOf(value);
  if (within(bounds, I32)) return "i32";
  const dynamic = !Number.isFinite(value.facts.low) || !Number.isFinite(value.facts.high);
  if (dynamic && isPositional(value)) return "i32";
  return within(bounds, U32) ? "u32" : "wide";
}

const narrow = (type: IntegerType | undefined): "i32" | "u32" | undefined => (type === "wide" ? undefined : type);

function derive(value: Value): IntegerType | undefined {
  const { facts } = value;
  if (!facts.integer || facts.mayBeNegativeInfinity || facts.mayBePositiveInfinity) return undefined;
  switch (value.kind) {
    case "constant": return Number.isSafeInteger(value.value) ? fit(value) : undefined;
    case "extent": case "index": return "i32";
    case "load": case "slot": return narrow(fit(value));
    case "linear": {
      const whole = Number.isSafeInteger(value.constant) && value.terms.every(([k, term]) => Number.isSafeInteger(k) && isModular(term));
      return whole ? fit(value) : undefined;
    }
    case "product": return value.factors.every(([base, e]) => e > 0 && isModular(base)) ? fit(value) : undefined;
    case "quotient": case "remainder": {
      const [left, right] = [narrow(integerType(value.left)), narrow(integerType(value.right))];
      if (left === undefined || right === undefined) return undefined;
      // Both in one type: a u32 beside an i32 that is never negative.
      const type = left === right ? left : "u32";
      const fits = type === "i32" || [value.left, value.right].every((part) => boundsOf(part)[0] >= 0);
      return fits ? narrow(fit(value)) : undefined;
    }
    case "larger": case "smaller": return both(value, value.left, value.right);
    case "select": return both(value, value.yes, value.no);
    case "bitwise": return narrow(fit(value));
    case "apply": return derivedApply(value.fn, value.args, value);
    case "reduce": {
      if (value.op === "argmax" || value.op === "argmin") return "i32";
      const body = narrow(integerType(value.body));
      if (body === undefined) return undefined;
      if (value.op !== "sum") return body;
      const type = fit(value);
      return type === "i32" && !within(boundsOf(value), I32) ? undefined : narrow(type);
    }
    case "table": throw new InternalError("a kernel has no suspended substitution");
    default: throw new InternalError(`a ${value.kind} is no number`);
  }
}

function both(value: Value, a: Value, b: Value): IntegerType | undefined {
  const [left, right] = [integerType(a), integerType(b)];
  if (left === undefined || right === undefined) return undefined;
  const type = fit(value);
  return type === "u32" && (left === "wide" || right === "wide") ? "wide" : type;
}

function derivedApply(fn: string, args: readonly Value[], value: Value): IntegerType | undefined {
  const [argument] = args;
  if (argument === undefined) throw new InternalError(`${fn} of nothing`);
  switch (fn) {
    case "abs": case "fround": {
      const type = integerType(argument);
      return type === undefined ? undefined : fn === "fround" ? type : type === "wide" ? undefined : narrow(fit(value));
    }
    case "floor": case "ceil": case "round": case "trunc": case "sign": return fit(value) === "i32" ? "i32" : undefined;
    default: return undefined;
  }
}

const positional = new WeakMap<Value, boolean>();

/** The largest number that a code selects from: `uint(16)`. */
const SELECTS = 2 ** 16;

/** Whether a value is made of positions, sizes, and codes that select positions. */
export function isPositional(value: Value): boolean {
  let known = positional.get(value);
  if (known === undefined) {
    known = derivePositional(value);
    positional.set(value, known);
  }
  return known;
}

function derivePositional(value: Value): boolean {
  switch (value.kind) {
    case "constant": case "extent": case "index": return value.facts.integer;
    case "linear": return value.terms.every(([, term]) => isPositional(term));
    case "product": return value.factors.every(([base, e]) => e > 0 && isPositional(base));
    case "quotient": case "remainder": case "larger": case "smaller": return isPositional(value.left) && isPositional(value.right);
    case "select": return isPositional(value.yes) && isPositional(value.no);
    // A code, or the position of an extreme, is a position on an axis that it selects from.
    case "load": case "slot": case "bitwise": return value.facts.integer && value.facts.low >= -SELECTS && value.facts.high <= SELECTS;
    case "reduce": return value.op === "argmax" || value.op === "argmin";
    default: return false;
  }
}
