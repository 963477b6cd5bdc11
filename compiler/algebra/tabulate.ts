/**
 * @file Tabulate: a value that depends on the position only through a key can be computed once for each value of the key
 * and looked up.
 *
 *     E(x(t))   →   table[λv. E(v)](x(t))        if E[x(t) := v] does not depend on t
 *
 * The free axes are the whole of legality. A sum whose terms have different keys is taken apart first, if then every part
 * can be tabulated.
 *
 * Example: Σ_l q[l]·book[codes[t], l] is table[λv. Σ_l q[l]·book[v, l]](codes[t]); with a key rotated by its position,
 * cos[t] stays in it, and the rule does not apply.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Load, Reduce, Select, Value } from "../../spec/graph/node";
import type { Attempt, Replacement } from "./attempt";
import { keysIn, loopAxes, outOfReach, valueIndex } from "./keys";
import { loadsIn, openedOrder } from "./opened";
import { show } from "./show";
import { terms } from "./sums";

/** Whether there is something to save: arithmetic on numbers, not on positions. */
const worthwhile = (builder: GraphBuilder, value: Value): boolean =>
  openedOrder(builder, [value]).some((node) => !node.facts.integer && (node.kind === "reduce" || node.kind === "product" || node.kind === "apply" || node.kind === "linear"));

export interface TabulateConditions {
  /** Whether a value with the key replaced may be tabulated, given the position it must have lost. */
  readonly free: (value: Value, position: string) => boolean;
  /** Why the value does not exist for every value of the key. */
  readonly reach: typeof outOfReach;
}
export const TABULATE_CONDITIONS: TabulateConditions = { free: (value, position) => !value.free.includes(position), reach: outOfReach };

function single(builder: GraphBuilder, graph: Graph, node: Value, position: string, key: Load, conditions: TabulateConditions): Replacement | { readonly why: string } {
  const index = valueIndex(builder, key, [node]);
  if (index === undefined) return { why: `${show(builder, key)} has one value` };
  const body = builder.substitute(node, new Map<Value, Value>([[key, index]]));
  const through = position.slice(0, position.lastIndexOf("@"));
  if (!conditions.free(body, position)) {
    const rest = new Set(loadsIn(builder, body).filter((load) => load.free.includes(position)).map((load) => show(builder, load)));
    return { why: `by ${show(builder, key)} it still depends on ${through} ${rest.size === 0 ? "itself" : `through ${[...rest].sort().join(", ")}`}` };
  }
  const beyond = conditions.reach(builder, graph, body, index);
  if (beyond !== undefined) return { why: beyond };
  return {
    value: builder.table(index, body, key),
    parameters: { axis: through, key: show(builder, key) },
    proof: `with ${show(builder, key)} replaced by its value, nothing in it depends on ${through}`,
  };
}

/** A sum taken apart so that each part has one key; refused unless every part can be tabulated. */
function apart(builder: GraphBuilder, graph: Graph, node: Reduce, position: string, conditions: TabulateConditions): Replacement | { readonly why: string } | undefined {
  const { index, where, body } = builder.open(node);
  const parts = terms(builder, body, (sum) => keysIn(builder, sum, position).length > 1);
  if (parts.length < 2) return undefined;
  const done: Replacement[] = [];
  for (const part of parts) {
    const sum = builder.reduce("sum", index, part, where);
    const [coefficient, factors] = builder.factors(sum);
    const [only] = factors;
    const inner = factors.length === 1 && only?.[1] === 1 ? only[0] : sum;
    const keys = keysIn(builder, inner, position);
    const [key] = keys;
    if (key === undefined || keys.length > 1 || !worthwhile(builder, inner)) return undefined;
    const made = single(builder, graph, inner, position, key, conditions);
    if ("why" in made) return made;
    done.push({ ...made, value: inner === sum ? made.value : builder.scale(coefficient, made.value) });
  }
  const [first] = done;
  if (first === undefined) return undefined;
  return {
    value: builder.add(...done.map(({ value }) => value)),
    parameters: { axis: first.parameters.axis ?? "", key: done.map(({ parameters }) => parameters.key).join(", ") },
    proof: `taken apart by key: ${done.map(({ proof }) => proof).join("; ")}`,
  };
}

/** Sides within sides that are looked into. */
const MOST_SIDES = 8;

/** Σ_l (c(t) ? a : b) is c(t) ? Σ_l a : Σ_l b: tabulates the sides that can be, which may have sides in turn. */
function sided(builder: GraphBuilder, graph: Graph, node: Reduce, position: string, conditions: TabulateConditions, taken: readonly Value[] = []): Replacement | undefined {
  const { index, where, body } = builder.open(node);
  // A side taken stays taken, also where the condition is not found to be gone.
  const choice = taken.length > MOST_SIDES ? undefined : openedOrder(builder, [body]).find((part): part is Select => part.kind === "select" && !taken.includes(part.condition) && part.condition.free.includes(position) && !part.condition.free.includes(index.name));
  if (choice === undefined) return undefined;
  const sides = [true, false].map((holds) => builder.reduce("sum", index, builder.assume(body, choice.condition, holds), builder.assume(where, choice.condition, holds)));
  const made = sides.map((side) => {
    const keys = keysIn(builder, side, position);
    const [key] = keys;
    const one = key === undefined || keys.length > 1 || !worthwhile(builder, side) ? undefined : single(builder, graph, side, position, key, conditions);
    if (one !== undefined && !("why" in one)) return one;
    return side.kind === "reduce" && side.op === "sum" ? sided(builder, graph, side, position, conditions, [...taken, choice.condition]) : undefined;
  });
  const first = made.find((side) => side !== undefined);
  const [yes, no] = sides;
  if (first === undefined || yes === undefined || no === undefined) return undefined;
  return { ...first, value: builder.select(choice.condition, made[0]?.value ?? yes, made[1]?.value ?? no), proof: `where ${show(builder, choice.condition)} ${made[0] === undefined ? "fails" : "holds"}, ${first.proof}` };
}

export function tabulateWith(conditions: TabulateConditions): Attempt {
  return {
    rule: "tabulate",
    law: "E(x(t)) → table[λv. E(v)](x(t)), if E[x(t) := v] does not depend on t",
    try: (builder, graph, node) => {
      if (node.facts.integer || node.kind === "load" || node.kind === "table" || node.kind === "slot") return undefined;
      let why: string | undefined;
      const loops = loopAxes(builder, graph);
      for (const position of node.free) {
        if (!loops.has(position.slice(0, position.lastIndexOf("@")))) continue;
        const keys = keysIn(builder, node, position);
        const [key] = keys;
        if (key === undefined || !worthwhile(builder, node)) continue;
        const isSum = node.kind === "reduce" && node.op === "sum";
        const made = keys.length === 1 ? single(builder, graph, node, position, key, conditions) : isSum ? apart(builder, graph, node, position, conditions) : undefined;
        if (made !== undefined && !("why" in made)) return made;
        const bySide = isSum ? sided(builder, graph, node, position, conditions) : undefined;
        if (bySide !== undefined) return bySide;
        // A near miss is worth telling for a sum; every node around it misses too.
        if (made !== undefined && node.kind === "reduce" && node.op === "sum" && node.axis !== position.slice(0, position.lastIndexOf("@"))) why ??= made.why;
      }
      return why === undefined ? undefined : { why };
    },
  };
}

export const tabulate: Attempt = tabulateWith(TABULATE_CONDITIONS);
