/** @file What leaves a reduction. `exp` is never split here: that is a fold's repair, the form of the same step that stays in range. */

import type { GraphBuilder } from "./builder";
import { isFinite } from "./facts";
import type { Index, ReduceOperator, Value } from "./node";
import { mayOverflow } from "./overflow";

type Factor = readonly [base: Value, exponent: number];

/**
 * Moves out of a reduction what does not depend on its axis: a finite factor out of a sum (a divisor only if it
 * cannot be 0, an exponential only if it cannot overflow, or if the loop cannot be empty), a positive factor or a finite
 * term out of a max or min.
 */
export function hoisted(builder: GraphBuilder, op: ReduceOperator, index: Index, body: Value, where: Value): Value | undefined {
  if (op !== "sum" && op !== "max" && op !== "min") return undefined;
  const depends = (value: Value): boolean => value.free.includes(index.name);
  const nonEmpty = where === builder.true && index.extent.facts.low >= 1;
  const [coefficient, factors] = builder.factors(body);
  const inside = (out: readonly Factor[]): Value => builder.product(factors.filter((factor) => !out.includes(factor)));
  if (op === "sum") {
    const out = factors.filter(([base, exponent]) => !depends(base) && (nonEmpty || (isFinite(base.facts) && (exponent > 0 ? !mayOverflow(base) : base.facts.nonZero))));
    if (out.length === factors.length && where === builder.true) return builder.multiply(body, index.extent);
    if (out.length > 0 || (coefficient !== 1 && factors.length > 0)) return builder.product([[builder.constant(coefficient), 1], ...out, [builder.reduce(op, index, inside(out), where), 1]]);
    return undefined;
  }
  const out = factors.filter(([base, exponent]) => !depends(base) && base.facts.low >= 0 && base.facts.nonZero && isFinite(base.facts) && (nonEmpty || exponent < 0 || !mayOverflow(base)));
  if (coefficient > 0 && factors.length > out.length && (coefficient !== 1 || out.length > 0)) {
    return builder.product([[builder.constant(coefficient), 1], ...out, [builder.reduce(op, index, inside(out), where), 1]]);
  }
  if (body.kind === "linear") {
    const moved = body.terms.filter(([, term]) => !depends(term) && isFinite(term.facts) && (nonEmpty || !mayOverflow(term)));
    const kept = body.terms.filter((term) => !moved.includes(term));
    if (kept.length > 0 && (moved.length > 0 || body.constant !== 0)) return builder.linear(body.constant, [...moved, [1, builder.reduce(op, index, builder.linear(0, kept), where)]]);
  }
  return nonEmpty && !depends(body) ? body : undefined;
}
