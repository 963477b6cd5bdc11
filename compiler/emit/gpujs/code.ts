/** @file Pieces of the JavaScript that gpu.js compiles: every value is a number that is kept in f32, or a truth. */

import { SENTINEL } from "../../kernel/infinities";
import { add, atom, call, compare, LEVEL, multiply, type Code, type Text } from "../code";

/**
 * A literal, with all its digits: one mode computes in f64. Negative ones in brackets: gpu.js prints `a - -1` as `a--1`.
 * An infinity is its sentinel; what has no value is 0.
 */
export function number(value: number): Text {
  const bounded = Math.min(Math.max(Number.isNaN(value) ? 0 : value, -SENTINEL), SENTINEL);
  return atom(bounded < 0 ? `(${bounded})` : String(bounded + 0));
}

/** `condition ? yes : no`. */
export function choose(condition: Code, yes: Code, no: Code): Text {
  const operand = (code: Code): { readonly code: Code; readonly least: typeof LEVEL.compare } => ({ code, least: LEVEL.compare });
  return { kind: "text", level: LEVEL.loose, parts: [operand(condition), " ? ", operand(asReal(yes)), " : ", operand(asReal(no))] };
}

/** How the counters of loops are called. */
export const COUNTER = "k";

/** What gpu.js makes of an expression on GL: whole numbers by themselves become of what type they meet, all else is a real. */
function typeOf(code: Code): "integer" | "literal" | "real" {
  if (code.kind === "name") return code.value !== undefined ? typeOf(code.value) : code.hint === COUNTER ? "integer" : "real";
  const texts = code.parts.filter((part) => typeof part === "string");
  if (texts.some((text) => /[&|^]|<<|>>/.test(text))) return "integer";
  if (texts.some((text) => /[a-z[?/.]/i.test(text))) return "real";
  const types = code.parts.flatMap((part) => (typeof part === "string" ? [] : [typeOf(part.code)]));
  return types.includes("real") ? "real" : types.includes("integer") ? "integer" : "literal";
}

/** The same number as a real: what a choice gives must be of one type. */
const asReal = (code: Code): Code => (typeOf(code) === "integer" ? call("Math.floor", code) : code);

/** `[a, b, …]`. */
export function list(codes: readonly Code[]): Text {
  const parts = codes.flatMap((code, at) => [at === 0 ? "[" : ", ", { code, least: LEVEL.loose }]);
  return { kind: "text", level: LEVEL.atom, parts: [...parts, "]"] };
}

/** A negated number, written so that no sign meets another, and no literal stands before what is of the type of literals. */
export const minus = (code: Code): Text => (isLiteral(code) ? multiply(code, number(-1)) : { kind: "text", level: LEVEL.sum, parts: ["0 - ", { code, least: LEVEL.product }] });

/**
 * Whether GL has to find a type for an expression: a whole number, or a choice that begins with one. A whole number before
 * such an operand makes gpu.js take both for integers, whatever else the choice is of.
 */
function isLiteral(code: Code): boolean {
  if (code.kind === "name") return code.value !== undefined && isLiteral(code.value);
  const [first, second, yes] = code.parts;
  if (second === " ? " && typeof yes === "object") return isLiteral(yes.code);
  return code.parts.length === 1 && typeof first === "string" && Number.isInteger(Number(first.replace(/^\((.*)\)$/, "$1")));
}

/** `base` to a whole power from 1 on, by squaring. */
export function power(base: Code, exponent: number, name: (code: Code) => Code): Code {
  if (exponent === 1) return base;
  const half = name(power(base, Math.floor(exponent / 2), name));
  const square = multiply(half, half);
  return exponent % 2 === 0 ? square : multiply(square, base);
}

/** A polynomial of increasing powers, by Horner's rule. */
export function polynomial(coefficients: readonly number[], at: Code): Code {
  return coefficients.reduceRight<Code | undefined>((rest, coefficient) => (rest === undefined ? number(coefficient) : add(multiply(rest, at), number(coefficient))), undefined) ?? number(0);
}

/** 1, 0 or −1. */
export const signOf = (code: Code): Code => choose(compare("<", code, number(0)), number(-1), choose(compare(">", code, number(0)), number(1), number(0)));

/** Whether a number stands for an infinity: of one sign, or of either. */
export function isSentinel(code: Code, which: "negative" | "positive" | "either"): Code {
  switch (which) {
    case "negative": return compare("<=", code, number(-SENTINEL));
    case "positive": return compare(">=", code, number(SENTINEL));
    case "either": return compare(">=", call("Math.abs", code), number(SENTINEL));
  }
}
