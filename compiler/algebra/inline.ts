/**
 * @file A fold without repairs is an ordinary reduction: a planner that wants no pass of its own for it reads it where it
 * is used. So the histogram of grouped values is drained at the end of the pass that filled it.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import type { Derived, Fold } from "./derived";
import { domainOf, hull } from "./domain";
import { replaceOpened } from "./opened";

/** Whether every component of a fold is a plain reduction. */
export const isPlain = (fold: Fold): boolean => fold.components.every(({ reads, extreme }) => reads.length === 0 && extreme === undefined);

/**
 * `derived` without the fold `name`: its components appear as reductions in later folds and stores.
 * @throws InternalError where the fold has a repair.
 */
export function inlineFold(builder: GraphBuilder, derived: Derived, name: string): Derived {
  const fold = derived.folds.find((other) => other.name === name);
  if (fold === undefined || !isPlain(fold)) throw new InternalError(`${name} is no fold of plain reductions`);
  const into = (value: Value): Value =>
    replaceOpened(builder, value, (node) => {
      if (node.kind !== "slot") return undefined;
      const component = fold.components.find((other) => other.name === node.name);
      if (component === undefined) return undefined;
      const reduced = builder.reduce(component.op, fold.index, component.body, component.where);
      return builder.substitute(reduced, new Map<Value, Value>(component.own.map((axis, at) => [axis, node.indices[at] ?? axis])));
    });
  const folds = derived.folds.filter((other) => other !== fold).map((other): Fold => {
    const components = other.components.map((component) => {
      const [body, where] = [into(component.body), into(component.where)];
      return { ...component, body, where, needs: component.needs.filter((need) => !fold.components.some((gone) => gone.name === need)), domain: domainOf(builder, where, other.index) };
    });
    return { ...other, components, domain: hull(builder, components.map(({ domain }) => domain)) };
  });
  return { ...derived, folds, stores: derived.stores.map((store) => ({ ...store, value: into(store.value) })) };
}
