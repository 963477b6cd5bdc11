/** @file Operators of JavaScript on meanings: computed where both sides are known, nodes of the graph otherwise. */

import { isTruth } from "../../spec/graph/builder";
import { BITWISE_OPERATORS, type BitwiseOperator, type Value } from "../../spec/graph/node";
import { isWord } from "./integers";
import { describe, known, ofNode, type Fault, type Machine, type Meaning, type Static } from "./meaning";
import type { ts } from "./typescript";

type Primitive = Static["value"];

const isNumber = (value: Primitive): value is number => typeof value === "number";

/** What each operator gives for two known values of its kind. */
const ON_NUMBERS: Readonly<Record<string, (a: number, b: number) => number | boolean>> = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "%": (a, b) => a % b, "**": (a, b) => a ** b,
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  "&": (a, b) => a & b, "|": (a, b) => a | b, "^": (a, b) => a ^ b, "<<": (a, b) => a << b, ">>": (a, b) => a >> b, ">>>": (a, b) => a >>> b,
};

export const isBinaryOperator = (operator: string): boolean => operator in ON_NUMBERS || operator === "===" || operator === "!==";

export function binary(machine: Machine, operator: string, left: Meaning, right: Meaning, site: ts.Node): Meaning {
  if (operator === "===" || operator === "!==") return equality(machine, operator === "===", left, right, site);
  if (left.kind === "static" && right.kind === "static") return onKnown(machine, operator, left, right, site);
  return ofNode(onNodes(machine, operator, left, right, site));
}

function onKnown(machine: Machine, operator: string, left: Static, right: Static, site: ts.Node): Meaning {
  const [a, b] = [left.value, right.value];
  if (isNumber(a) && isNumber(b)) {
    const compute = ON_NUMBERS[operator];
    if (compute !== undefined) return computed(machine, compute(a, b), site);
  }
  if (operator === "+" && (typeof a === "string" || typeof b === "string")) return joined(machine, [String(a), String(b)], "", site);
  if (typeof a === "string" && typeof b === "string") {
    switch (operator) {
      case "<": return known(a < b);
      case "<=": return known(a <= b);
      case ">": return known(a > b);
      case ">=": return known(a >= b);
      default:
    }
  }
  return machine.refuse(site, wrongKind(operator, isNumber(a) || (typeof a === "string" && typeof b !== "string" && operator !== "+") ? right : left));
}

/** The longest text that a program may make. */
export const LONGEST_TEXT = 65536;

export const textTooLong = (length: number): Fault => ({ code: "KV1123", message: "a text grows beyond bounds", expected: `at most ${LONGEST_TEXT} characters`, got: String(length) });

/** Texts one after another. */
export function joined(machine: Machine, texts: readonly string[], separator: string, site: ts.Node): Meaning {
  const length = texts.reduce((total, text) => total + text.length, 0) + separator.length * Math.max(texts.length - 1, 0);
  return length > LONGEST_TEXT ? machine.refuse(site, textTooLong(length)) : known(texts.join(separator));
}

/** A number that was computed while compiling; inside a body it must be one. */
export function computed(machine: Machine, value: number | boolean, site: ts.Node): Meaning {
  return machine.inBody && Number.isNaN(value) ? machine.refuse(site, NOT_A_NUMBER) : known(value);
}

const wrongKind = (operator: string, got: Meaning): Fault => ({
  code: "KV1121",
  message: `\`${operator}\` is given something that is no number`,
  expected: "numbers",
  got: describe(got),
  mend: got.kind === "static" && got.value === undefined ? "Give the optional value a default: `(n = 0) => …` or `n ?? 0`." : "Use it on numbers only.",
});

function onNodes(machine: Machine, operator: string, left: Meaning, right: Meaning, site: ts.Node): Value {
  const { builder } = machine.body(site, `\`${operator}\` on a value that depends on data`);
  for (const side of [left, right]) if (side.kind !== "node" && !(side.kind === "static" && isNumber(side.value))) machine.refuse(site, wrongKind(operator, side));
  const a = machine.number(left, site);
  const b = machine.number(right, site);
  switch (operator) {
    case "+": return defined(machine, site, () => builder.add(a, b));
    case "-": return defined(machine, site, () => builder.subtract(a, b));
    case "*": return defined(machine, site, () => (zeroTimesInfinity(a, b) ? undefined : builder.multiply(a, b)));
    case "/": return defined(machine, site, () => (b === builder.zero ? undefined : builder.divide(a, b)));
    case "%": return defined(machine, site, () => (b === builder.zero || (a.kind === "constant" && !Number.isFinite(a.value)) ? undefined : b.kind === "constant" && !Number.isFinite(b.value) ? a : builder.remainder(a, b)));
    case "**": return defined(machine, site, () => builder.power(a, b));
    case "<": return builder.less(a, b);
    case "<=": return builder.atMost(a, b);
    case ">": return builder.less(b, a);
    case ">=": return builder.atMost(b, a);
    default: return bitwise(machine, operator, a, b, site);
  }
}

/** 0 · ∞ whatever the other factors are. */
const zeroTimesInfinity = (a: Value, b: Value): boolean =>
  [[a, b] as const, [b, a] as const].some(([x, y]) => x.kind === "constant" && x.value === 0 && y.kind === "constant" && !Number.isFinite(y.value));

/** Refuses what has no value for any input: `undefined`, or infinities of opposite sign that the builder met. */
function defined(machine: Machine, site: ts.Node, make: () => Value | undefined): Value {
  let made: Value | undefined;
  try {
    made = make();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("opposite infinities")) throw error;
  }
  return made ?? machine.refuse(site, NOT_A_NUMBER);
}

export const NOT_A_NUMBER: Fault = {
  code: "KV1115",
  message: "this is NaN, whatever the inputs",
  expected: "an expression that has a value for some input",
  mend: "Choose a number for the case in which there is none: `condition ? value : 0`.",
};

const isBitwise = (operator: string): operator is BitwiseOperator => (BITWISE_OPERATORS as readonly string[]).includes(operator);

function bitwise(machine: Machine, operator: string, left: Value, right: Value, site: ts.Node, written = operator): Value {
  const { builder, conditions } = machine.body(site, "a bitwise operator");
  if (!isBitwise(operator)) return machine.refuse(site, { code: "KV1112", message: `the language has no operator \`${operator}\``, expected: "+ - * / % ** < <= > >= === !== && || ! ? : & | ^ << >> >>>" });
  const shift = operator === "<<" || operator === ">>" || operator === ">>>";
  for (const side of shift ? [left] : [left, right]) {
    if (isWord(builder, side, conditions)) continue;
    machine.refuse(site, {
      code: "KV1113",
      message: `an operand of \`${written}\` is not proved to be a 32-bit integer`,
      expected: "an integer from −2³¹ to 2³² − 1",
      got: side.facts.integer ? `an integer from ${bound(side.facts.low)} to ${bound(side.facts.high)}` : "a number that may not be an integer",
      mend: side.facts.integer ? "Bound it first: `Math.min(n, 2 ** 31 - 1) & 3`." : "Make an integer of it first: `Math.floor(x) & 3`, within bounds: `Math.min(Math.max(…, 0), 255)`.",
    });
  }
  if (shift && !(right.facts.integer && right.facts.low >= 0 && right.facts.high <= 31)) {
    machine.refuse(site, { code: "KV1113", message: `the distance of \`${operator}\` is not proved to be from 0 to 31`, expected: "an integer from 0 to 31", got: right.facts.integer ? `an integer from ${bound(right.facts.low)} to ${bound(right.facts.high)}` : "a number that may not be an integer", mend: "Take what JavaScript would: `x << (n & 31)`." });
  }
  return builder.bitwise(operator, left, right);
}

const bound = (value: number): string => (value === Infinity ? "∞" : value === -Infinity ? "−∞" : String(value));

function equality(machine: Machine, positive: boolean, left: Meaning, right: Meaning, site: ts.Node): Meaning {
  if (left.kind === "static" && right.kind === "static") return known((left.value === right.value) === positive);
  const node = left.kind === "node" ? left : right.kind === "node" ? right : undefined;
  const other = node === left ? right : left;
  if (node === undefined || (other.kind !== "node" && other.kind !== "static")) {
    if (node !== undefined) return known(!positive);
    if (left.kind === "static" || right.kind === "static") return known(!positive);
    if (left.kind === "axis" && right.kind === "axis") return known((left.name === right.name) === positive);
    return machine.refuse(site, { code: "KV1121", message: "only numbers, strings and conditions can be compared", expected: "numbers, strings or conditions", got: describe(left) });
  }
  const { builder } = machine.body(site, "a comparison with a value that depends on data");
  const truth = isTruth(node.node);
  if (other.kind === "static" && typeof other.value !== (truth ? "boolean" : "number")) return known(!positive);
  if (truth) {
    const a = node.node;
    const b = other.kind === "node" ? other.node : builder.truth(other.value === true);
    if (!isTruth(b)) return known(!positive);
    const same = builder.or(builder.and(a, b), builder.and(builder.not(a), builder.not(b)));
    return ofNode(positive ? same : builder.not(same));
  }
  if (other.kind === "node" && isTruth(other.node)) return known(!positive);
  const equal = builder.equal(machine.number(left, site), machine.number(right, site));
  return ofNode(positive ? equal : builder.not(equal));
}

export function unary(machine: Machine, operator: "+" | "-" | "~", operand: Meaning, site: ts.Node): Meaning {
  if (operand.kind === "static" && isNumber(operand.value)) return known(operator === "-" ? -operand.value : operator === "~" ? ~operand.value : operand.value);
  if (operand.kind !== "node" || isTruth(operand.node)) return machine.refuse(site, wrongKind(operator, operand));
  const { builder } = machine.body(site, `\`${operator}\``);
  if (operator === "~") return ofNode(bitwise(machine, "^", operand.node, builder.constant(-1), site, "~"));
  return ofNode(operator === "-" ? builder.negate(operand.node) : operand.node);
}

