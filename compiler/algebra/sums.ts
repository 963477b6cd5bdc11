/** @file Sums within sums read as one: their indices, and one body. Sums commute, so their order is free. */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import type { Index, Reduce, Value } from "../../spec/graph/node";

/** Σ over all of `indices` of `body`; only unguarded sums nest. */
export interface Nest {
  readonly indices: readonly Index[];
  readonly body: Value;
}

/** The nest that a sum begins; undefined if any of its sums has a guard. */
export function nestOf(builder: GraphBuilder, sum: Reduce): Nest | undefined {
  const indices: Index[] = [];
  const outside: Value[] = [];
  let current: Value = sum;
  for (;;) {
    if (current.kind === "reduce" && current.op === "sum") {
      const { index, where, body } = builder.open(current, indices.map(({ name }) => name));
      if (where !== builder.true) return indices.length === 0 ? undefined : { indices, body: builder.multiply(...outside, current) };
      indices.push(index);
      current = body;
      continue;
    }
    const [coefficient, factors] = builder.factors(current);
    const at = factors.findIndex(([base, exponent]) => base.kind === "reduce" && base.op === "sum" && exponent === 1);
    const inner = factors[at];
    if (inner === undefined || indices.length === 0) return { indices, body: builder.multiply(...outside, current) };
    outside.push(builder.constant(coefficient), builder.product(factors.filter((_, k) => k !== at)));
    current = inner[0];
  }
}

/** The sum of a nest, through the factories. */
export function sumOver(builder: GraphBuilder, indices: readonly Index[], body: Value): Value {
  return [...indices].reverse().reduce((inner, index) => builder.reduce("sum", index, inner), body);
}

/** `value` as a sum of terms, distributing only over sums that `need` distribution. */
export function terms(builder: GraphBuilder, value: Value, need: (sum: Value) => boolean): readonly Value[] {
  if (value.kind === "linear" && (value.terms.length > 1 || value.constant !== 0) && need(value)) {
    return [...value.terms.flatMap(([k, term]) => terms(builder, builder.scale(k, term), need)), ...(value.constant === 0 ? [] : [builder.constant(value.constant)])];
  }
  const [coefficient, factors] = builder.factors(value);
  const at = factors.findIndex(([base, exponent]) => base.kind === "linear" && exponent === 1 && need(base));
  const sum = factors[at];
  if (sum === undefined) return [value];
  const rest = builder.product([[builder.constant(coefficient), 1], ...factors.filter((_, k) => k !== at)]);
  const { constant, terms: parts } = asLinear(sum[0]);
  return [
    ...parts.flatMap(([k, term]) => terms(builder, builder.scale(k, builder.multiply(rest, term)), need)),
    ...(constant === 0 ? [] : [builder.scale(constant, rest)]),
  ];
}

/** A sum of terms with the factors that most of them share taken out, if `prefer` lets them. */
export function collect(builder: GraphBuilder, list: readonly Value[], prefer: (factor: Value) => boolean): Value {
  const counts = new Map<Value, number>();
  for (const term of list) for (const [base, exponent] of builder.factors(term)[1]) if (exponent === 1 && prefer(base)) counts.set(base, (counts.get(base) ?? 0) + 1);
  const [best] = [...counts].sort(([, a], [, b]) => b - a);
  if (best === undefined || best[1] < 2) return builder.add(...list);
  const [factor] = best;
  const inside: Value[] = [];
  const rest: Value[] = [];
  for (const term of list) {
    const [coefficient, factors] = builder.factors(term);
    if (factors.some(([base, exponent]) => base === factor && exponent === 1)) inside.push(builder.product([[builder.constant(coefficient), 1], ...factors.filter(([base]) => base !== factor)]));
    else rest.push(term);
  }
  return builder.add(builder.multiply(factor, builder.add(...inside)), collect(builder, rest, prefer));
}
