/**
 * @file Derivatives of a polynomial in one reference: what makes a body that is polynomial in an earlier result
 * repairable, by Taylor's formula. `derivative` keeps powers of differences together: of (x − m)³ it is −3·(x − m)², not
 * a sum of monomials that cancel.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import { openedOrder } from "./opened";

const mentions = (builder: GraphBuilder, value: Value, reference: Value): boolean => openedOrder(builder, [value]).includes(reference);

/** ∂value/∂reference; undefined where the value is not built from it by sums, products, whole powers and selects. */
export function derivative(builder: GraphBuilder, value: Value, reference: Value): Value | undefined {
  if (value === reference) return builder.one;
  if (!mentions(builder, value, reference)) return builder.zero;
  switch (value.kind) {
    case "linear": {
      const terms: (readonly [number, Value])[] = [];
      for (const [k, term] of value.terms) {
        const part = derivative(builder, term, reference);
        if (part === undefined) return undefined;
        terms.push([k, part]);
      }
      return builder.linear(0, terms);
    }
    case "product": {
      const terms: (readonly [number, Value])[] = [];
      for (const factor of value.factors) {
        const [base, exponent] = factor;
        if (!mentions(builder, base, reference)) continue;
        if (!Number.isInteger(exponent) || exponent < 1) return undefined;
        const part = derivative(builder, base, reference);
        if (part === undefined) return undefined;
        const rest = value.factors.filter((other) => other !== factor);
        terms.push([exponent, builder.product([...rest, [part, 1], [base, exponent - 1]])]);
      }
      return builder.linear(0, terms);
    }
    case "select": {
      if (mentions(builder, value.condition, reference)) return undefined;
      const [yes, no] = [derivative(builder, value.yes, reference), derivative(builder, value.no, reference)];
      return yes === undefined || no === undefined ? undefined : builder.select(value.condition, yes, no);
    }
    default: return undefined;
  }
}

/**
 * `value` and its derivatives by `reference`, the k-th divided by k!, up to the last that is not 0; undefined where the
 * value is no polynomial of degree up to `most`.
 */
export function taylor(builder: GraphBuilder, value: Value, reference: Value, most = 4): readonly Value[] | undefined {
  const coefficients: Value[] = [value];
  let last = value;
  for (let k = 1; k <= most + 1; k++) {
    const next = derivative(builder, last, reference);
    if (next === undefined) return undefined;
    if (next === builder.zero) return coefficients;
    last = builder.scale(1 / k, next);
    coefficients.push(last);
  }
  return undefined;
}

export function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 0; i < k; i++) value = (value * (n - i)) / (i + 1);
  return Math.round(value);
}
