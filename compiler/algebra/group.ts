/**
 * @file Group by key, the dual of tabulating: where a factor of a sum depends on the position only through a key, the
 * other factors are summed for each value of the key first.
 *
 *     Σ_t w(t)·E(x(t), c)   →   Σ_v E(v, c)·Σ_{t | x(t) = v} w(t)
 *
 * It pays for an axis c that E has and w and x have not: its positions leave the loop over t. E must be finite for every
 * value of the key, also for one that no position has.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import { isFinite } from "../../spec/graph/facts";
import { mayOverflow } from "../../spec/graph/overflow";
import type { Graph, Index, Load, Value } from "../../spec/graph/node";
import type { Attempt, Replacement } from "./attempt";
import { keysIn, outOfReach, valueIndex } from "./keys";
import { axisName, show } from "./show";
import { terms } from "./sums";

export interface GroupConditions {
  /** Whether a factor exists for every value of a key, also for one that no position has. */
  readonly finite: (base: Value, exponent: number) => boolean;
}
export const GROUP_CONDITIONS: GroupConditions = { finite: (base, exponent) => isFinite(base.facts) && (exponent > 0 ? !mayOverflow(base) : base.facts.nonZero) };

function byKey(builder: GraphBuilder, graph: Graph, index: Index, where: Value, body: Value, key: Load, conditions: GroupConditions): Replacement | { readonly why: string } | undefined {
  const value = valueIndex(builder, key, [body, where]);
  if (value === undefined) return undefined;
  const [coefficient, factors] = builder.factors(body);
  const at = (base: Value): Value => builder.substitute(base, new Map<Value, Value>([[key, value]]));
  const keyed = factors.filter(([base]) => {
    const keys = keysIn(builder, base, index.name);
    return keys.length === 1 && keys[0] === key && !at(base).free.includes(index.name);
  });
  if (keyed.length === 0) return undefined;
  const element = builder.product(keyed.map(([base, exponent]) => [at(base), exponent] as const));
  const weight = builder.product([[builder.constant(coefficient), 1], ...factors.filter((factor) => !keyed.includes(factor))]);
  const gone = element.free.filter((name) => name !== value.name && !weight.free.includes(name) && !key.free.includes(name));
  if (gone.length === 0) return { why: `by ${show(builder, key)}: every axis of ${show(builder, element)} is also one of the weight or the key` };
  if (!keyed.every(([base, exponent]) => conditions.finite(at(base), exponent))) return { why: `by ${show(builder, key)}: ${show(builder, element)} may be infinite for a value that no position has` };
  const beyond = outOfReach(builder, graph, element, value);
  if (beyond !== undefined) return { why: beyond };
  return {
    value: builder.reduce("sum", value, builder.multiply(element, builder.reduce("sum", index, weight, builder.and(where, builder.equal(key, value))))),
    parameters: { axis: index.axis, key: show(builder, key) },
    proof: `${show(builder, element)} depends on ${index.axis} only through the key; ${gone.map(axisName).join(", ")} leaves the loop`,
  };
}

export const groupWith = (conditions: GroupConditions): Attempt => ({
  rule: "group",
  law: "Σ_t w(t)·E(x(t), c) → Σ_v E(v, c)·Σ_{t | x(t) = v} w(t), if c is not free in w and x",
  try: (builder, graph, node) => {
    if (node.kind !== "reduce" || node.op !== "sum") return undefined;
    const { index, where, body } = builder.open(node);
    const keys = keysIn(builder, body, index.name);
    let why: string | undefined;
    for (const key of keys) {
      const made = byKey(builder, graph, index, where, body, key, conditions);
      if (made !== undefined && !("why" in made)) return made;
      why ??= made?.why;
    }
    // Several keys in one sum: taken apart, if then every part can be grouped.
    const parts = keys.length > 1 ? terms(builder, body, (sum) => keysIn(builder, sum, index.name).length > 1) : [];
    const done: Replacement[] = [];
    for (const part of parts) {
      const made = keysIn(builder, part, index.name).map((key) => byKey(builder, graph, index, where, part, key, conditions)).find((found) => found !== undefined && !("why" in found));
      if (made === undefined || "why" in made) break;
      done.push(made);
    }
    if (parts.length > 1 && done.length === parts.length) {
      return {
        value: builder.add(...done.map(({ value }) => value)),
        parameters: { axis: index.axis, key: done.map(({ parameters }) => parameters.key).join(", ") },
        proof: `taken apart by key: ${done.map(({ proof }) => proof).join("; ")}`,
      };
    }
    const sided = bySide(builder, graph, index, where, body, conditions);
    return sided ?? (why === undefined ? undefined : { why });
  },
});

export const group: Attempt = groupWith(GROUP_CONDITIONS);

/** Sides within sides that are looked into. */
const MOST_SIDES = 8;

/** Σ_t w·(c(t) ? a : b) is Σ_{t | c} w·a + Σ_{t | ¬c} w·b: groups the sides that can be, which may have sides in turn. */
function bySide(builder: GraphBuilder, graph: Graph, index: Index, where: Value, body: Value, conditions: GroupConditions, taken: readonly Value[] = []): Replacement | undefined {
  const [, factors] = builder.factors(body);
  // A side taken stays taken, also where the condition is not found to be gone.
  const choice = taken.length > MOST_SIDES ? undefined : factors.map(([base]) => base).find((base) => base.kind === "select" && !taken.includes(base.condition) && base.condition.free.includes(index.name));
  if (choice?.kind !== "select") return undefined;
  const sides = [true, false].map((holds) => {
    const part = builder.assume(body, choice.condition, holds);
    const guard = builder.and(where, holds ? choice.condition : builder.not(choice.condition));
    const made = keysIn(builder, part, index.name).map((key) => byKey(builder, graph, index, guard, part, key, conditions)).find((found) => found !== undefined && !("why" in found));
    const found = made === undefined || "why" in made ? bySide(builder, graph, index, guard, part, conditions, [...taken, choice.condition]) : made;
    return { plain: builder.reduce("sum", index, part, guard), made: found };
  });
  const first = sides.find(({ made }) => made !== undefined)?.made;
  return first === undefined ? undefined : { ...first, value: builder.add(...sides.map(({ plain, made }) => made?.value ?? plain)) };
}
