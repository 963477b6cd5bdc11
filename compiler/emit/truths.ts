/** @file Truths as code. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import { children } from "../../spec/graph/children";
import type { Equal, Less, Value } from "../../spec/graph/node";
import { isModular, integerType } from "../kernel/scalar";
import { SENTINEL } from "../kernel/infinities";
import { atom, branchless, call, compare, junction, not, realLiteral, type Code } from "./code";
import type { Expressions } from "./expressions";

export function truthCode(x: Expressions, value: Value): Code {
  switch (value.kind) {
    case "truth": return atom(String(value.value));
    case "less": return less(x, value);
    case "atMost": return compare("<=", x.real(value.left), x.real(value.right));
    case "equal": return equal(x, value);
    case "not": return not(x.truth(value.of));
    case "and": return joined(x, "&", value.of);
    case "or": return joined(x, "|", value.of);
    default: throw new InternalError(`a ${value.kind} is no truth`);
  }
}

/** Parts of a junction from which on it is long. */
const LONG = 3;

/** A long junction of positions is computed without branches; one that reads memory stops where it is decided. */
const joined = (x: Expressions, operator: "&" | "|", parts: readonly Value[]): Code =>
  (parts.length < LONG || !parts.every(isPosition) ? junction : branchless)(operator === "&" ? "&&" : "||", parts.map((part) => x.truth(part)));

const positions = new WeakMap<Value, boolean>();

/** Whether a value is made of positions and sizes alone. */
function isPosition(value: Value): boolean {
  let known = positions.get(value);
  if (known === undefined) {
    known = value.kind === "index" || (value.kind !== "load" && value.kind !== "slot" && value.kind !== "reduce" && children(value).every(isPosition));
    positions.set(value, known);
  }
  return known;
}

function less(x: Expressions, { left, right }: Less): Code {
  const [a, b] = [integerType(left), integerType(right)];
  if (a === undefined || b === undefined) return compare("<", x.real(left), x.real(right));
  if (right !== x.builder.zero) return left.facts.integer && a === b && a !== "wide" ? compare("<", x.int(left), x.int(right)) : compare("<", x.int(x.builder.subtract(left, right)), atom("0"));
  if (left.kind === "linear") {
    // p − n < 0 reads better, and needs no saturation, as p < n where both fit.
    const stays = left.constant > 0;
    const above = x.builder.linear(stays ? left.constant : 0, left.terms.filter(([k]) => k > 0));
    const below = x.builder.linear(stays ? 0 : -left.constant, left.terms.filter(([k]) => k < 0).map(([k, term]) => [-k, term] as const));
    const [p, n] = [integerType(above), integerType(below)];
    if (p === "i32" && n === "i32") return compare("<", x.int(above), x.int(below));
    if (p === "u32" && n === "u32") return compare("<", x.uint(above), x.uint(below));
  }
  return compare("<", x.int(left), atom("0"));
}

function equal(x: Expressions, { left, right }: Equal): Code {
  if (right.kind === "constant" && !Number.isFinite(right.value)) {
    return right.value < 0 ? compare("<=", x.real(left), realLiteral(-SENTINEL)) : compare(">=", x.real(left), realLiteral(SENTINEL));
  }
  const [a, b] = [integerType(left), integerType(right)];
  if (a === "i32" && b === "i32") return compare("==", x.int(left), x.int(right));
  if (a === "u32" && b === "u32") return compare("==", x.uint(left), x.uint(right));
  if (a !== undefined && b !== undefined && isModular(left) && isModular(right)) {
    const difference = x.builder.subtract(left, right);
    return compare("==", x.int(difference), atom("0"));
  }
  return compare("==", x.real(left), x.real(right));
}

/** Whether a number in f32 stands for an infinity: of one sign, or of either. */
export function isSentinel(code: Code, which: "negative" | "positive" | "either"): Code {
  switch (which) {
    case "negative": return compare("<=", code, realLiteral(-SENTINEL));
    case "positive": return compare(">=", code, realLiteral(SENTINEL));
    case "either": return compare(">=", call("abs", code), realLiteral(SENTINEL));
  }
}

