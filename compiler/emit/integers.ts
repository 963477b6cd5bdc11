/** @file Integers as code: i32 and u32, saturated, and modulo 2³². See `kernel/scalar.ts` for which value is which. */

import { InternalError, unreachable } from "../../spec/diagnostics/diagnostic";
import type { Apply, Bitwise, Linear, Product, Value } from "../../spec/graph/node";
import { boundsOf, I32, U32, type Bounds } from "../kernel/bounds";
import { integerType, isChecked, isModular } from "../kernel/scalar";
import { add, atom, bits, call, divide, integerLiteral, modulo, multiply, negate, select, subtract, type Code } from "./code";
import type { Expressions } from "./expressions";
import { loadedInteger } from "./memory";

/** The least that i32 holds and 2³² more or less: the same bits as an i32. */
const wrap = (value: number): number => Number(BigInt.asIntN(32, BigInt(value)));
const literal = (value: number): Code => integerLiteral(wrap(value));
const unsigned = (value: number): Code => atom(`${value}u`);

export function signedCode(x: Expressions, value: Value): Code {
  switch (integerType(value)) {
    case "i32":
      if (isChecked(value)) x.check(value);
      return native(x, value);
    case "u32": return call("i32", call("min", x.uint(value), atom("2147483647u")));
    case "wide": return wide(x, value);
    case undefined: return value.kind === "constant" ? integerLiteral(saturate(Math.trunc(value.value), I32)) : call("i32", x.real(value));
  }
}

/** Conversions of constants are done here: in the text, one that does not fit is an error. */
const saturate = (value: number, [low, high]: Bounds): number => Math.min(Math.max(value, low), high);

export function unsignedCode(x: Expressions, value: Value): Code {
  if (value.kind === "constant") return unsigned(saturate(Math.trunc(value.value), U32));
  switch (integerType(value)) {
    case "i32": return call("u32", boundsOf(value)[0] >= 0 ? x.int(value) : call("max", x.int(value), atom("0")));
    case "u32": return nativeUnsigned(x, value);
    case "wide": case undefined: return call("u32", x.real(value));
  }
}

export function modularCode(x: Expressions, value: Value): Code {
  const type = integerType(value);
  if (value.kind === "linear" && value.terms.every(([, term]) => isModular(term))) return sum(x, value);
  if (value.kind === "product" && isModular(value)) return product(x, value);
  if (type === "u32") return call("bitcast<i32>", x.uint(value));
  if (value.kind === "constant" && Number.isSafeInteger(value.value)) return literal(value.value);
  return x.int(value);
}

/** Too large for either type: the sum or product modulo 2³², saturated by what it is in f32. */
function wide(x: Expressions, value: Value): Code {
  switch (value.kind) {
    case "linear": case "product": return call(x.helper("saturated"), x.modular(value), x.real(value));
    case "larger": return call("max", x.int(value.left), x.int(value.right));
    case "smaller": return call("min", x.int(value.left), x.int(value.right));
    case "select": return select(x.truth(value.condition), x.int(value.yes), x.int(value.no));
    case "constant": return integerLiteral(value.value > 0 ? 2 ** 31 - 1 : -(2 ** 31));
    default: return call("i32", x.real(value));
  }
}

function native(x: Expressions, value: Value): Code {
  const both = (a: Value, b: Value): readonly [Code, Code] => [x.int(a), x.int(b)];
  switch (value.kind) {
    case "constant": return literal(value.value);
    case "linear": case "product": return x.modular(value);
    case "quotient": {
      const [left, right] = [integerType(value.left), integerType(value.right)];
      if (left === "u32" || right === "u32") return call("i32", divide(x.uint(value.left), x.uint(value.right)));
      return signedQuotient(x, value.left, value.right);
    }
    case "remainder": {
      const [left, right] = [integerType(value.left), integerType(value.right)];
      if (left === "u32" || right === "u32") return call("i32", modulo(x.uint(value.left), x.uint(value.right)));
      const power = value.right.kind === "constant" && boundsOf(value.left)[0] >= 0 ? Math.log2(value.right.value) : NaN;
      if (Number.isInteger(power) && power >= 0) return bits("&", x.int(value.left), integerLiteral(2 ** power - 1));
      return modulo(...both(value.left, value.right));
    }
    case "larger": return call("max", ...both(value.left, value.right));
    case "smaller": return call("min", ...both(value.left, value.right));
    case "select": return select(x.truth(value.condition), ...both(value.yes, value.no));
    case "bitwise": {
      const code = bitwise(x, value);
      return value.op === ">>>" ? call("i32", code) : code;
    }
    case "apply": return applied(x, value);
    case "load": case "slot": return loadedInteger(x, value, "i32");
    case "extent": case "index": case "reduce": case "table": case "truth":
    case "less": case "atMost": case "equal": case "not": case "and": case "or":
      throw new InternalError(`a ${value.kind} is not computed as an integer here`);
    default: return unreachable(value);
  }
}

function signedQuotient(x: Expressions, left: Value, right: Value): Code {
  if (right.kind === "constant") {
    const power = Math.log2(right.value);
    // An arithmetic shift rounds towards −∞, as the quotient does.
    if (Number.isInteger(power) && power > 0 && power < 31) return bits(">>", x.int(left), unsigned(power));
  }
  if (boundsOf(left)[0] >= 0) return divide(x.int(left), x.int(right));
  return call(x.helper("floorDivide"), x.int(left), x.int(right));
}

function nativeUnsigned(x: Expressions, value: Value): Code {
  const both = (a: Value, b: Value): readonly [Code, Code] => [x.uint(a), x.uint(b)];
  switch (value.kind) {
    case "constant": return unsigned(value.value);
    case "linear": case "product": return call("bitcast<u32>", x.modular(value));
    case "quotient": return divide(...both(value.left, value.right));
    case "remainder": return modulo(...both(value.left, value.right));
    case "larger": return call("max", ...both(value.left, value.right));
    case "smaller": return call("min", ...both(value.left, value.right));
    case "select": return select(x.truth(value.condition), ...both(value.yes, value.no));
    case "bitwise": return value.op === ">>>" ? bitwise(x, value) : call("bitcast<u32>", bitwise(x, value));
    case "apply": {
      const [argument] = value.args;
      if (argument === undefined) throw new InternalError(`${value.fn} of nothing`);
      if (value.fn === "fround") return x.uint(argument);
      // |−2³¹| wraps to itself, whose bits are those of 2³¹.
      return integerType(argument) === "u32" ? x.uint(argument) : call("bitcast<u32>", call("abs", x.int(argument)));
    }
    case "load": case "slot": return loadedInteger(x, value, "u32");
    case "extent": case "index": case "reduce": case "table": case "truth":
    case "less": case "atMost": case "equal": case "not": case "and": case "or":
      throw new InternalError(`a ${value.kind} is not computed as an unsigned integer here`);
    default: return unreachable(value);
  }
}

function applied(x: Expressions, { fn, args }: Apply): Code {
  const [argument] = args;
  if (argument === undefined) throw new InternalError(`${fn} of nothing`);
  if (fn === "fround") return x.int(argument);
  if (integerType(argument) !== undefined) {
    if (fn === "abs") return call("abs", x.int(argument));
    if (fn === "sign") return call("sign", x.int(argument));
  }
  switch (fn) {
    case "floor": case "ceil": case "trunc": case "sign": return call("i32", call(fn, x.real(argument)));
    case "round": return call("i32", call(x.helper("rounded"), x.real(argument)));
    default: throw new InternalError(`Math.${fn} gives no integer`);
  }
}

/** i32, but u32 for `>>>`. Operands that are no exact integers saturate. */
function bitwise(x: Expressions, { op, left, right }: Bitwise): Code {
  const value = x.modular(left);
  if (op === "&" || op === "|" || op === "^") return bits(op, value, x.modular(right));
  const count = right.kind === "constant" ? unsigned(wrap(right.value) & 31) : call("u32", bits("&", x.modular(right), atom("31")));
  return op === ">>>" ? bits(">>", call("bitcast<u32>", value), count) : bits(op, value, count);
}

/** A sum modulo 2³²: what belongs to outer scopes is summed there, the constant comes last. */
function sum(x: Expressions, value: Linear): Code {
  const depths = value.terms.map(([, term]) => x.scope.placeOf(term).depth);
  const deepest = Math.max(...depths);
  const inner = value.terms.filter((_, at) => depths[at] === deepest);
  const outer = value.terms.filter((_, at) => depths[at] !== deepest);
  const terms: (readonly [number, Code])[] = [];
  if (outer.length > 1) terms.push([1, x.modular(x.builder.linear(0, outer))]);
  else for (const [k, term] of outer) terms.push([k, x.modular(term)]);
  for (const [k, term] of inner) terms.push([k, x.modular(term)]);
  terms.sort(([a], [b]) => Math.sign(b) - Math.sign(a));
  let code: Code | undefined;
  for (const [k, term] of terms) {
    const size = Math.abs(k);
    const scaled = size === 1 ? term : multiply(term, literal(size));
    if (code === undefined) code = k > 0 ? scaled : size === 1 ? negate(term) : multiply(term, literal(k));
    else code = k > 0 ? add(code, scaled) : subtract(code, scaled);
  }
  const constant = wrap(value.constant);
  if (code === undefined) return literal(constant);
  if (constant === 0) return code;
  return constant > 0 ? add(code, literal(constant)) : constant === -(2 ** 31) ? add(code, literal(constant)) : subtract(code, literal(-constant));
}

function product(x: Expressions, value: Product): Code {
  let code: Code | undefined;
  for (const [base, exponent] of value.factors) {
    const factor = x.modular(base);
    for (let k = 0; k < exponent; k++) code = code === undefined ? factor : multiply(code, factor);
  }
  return code ?? atom("1");
}
