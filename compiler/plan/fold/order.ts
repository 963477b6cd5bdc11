/** @file In what order a fold is computed: staged values and components, each after what it reads. */

import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Value } from "../../../spec/graph/node";
import type { Component } from "../../algebra/derived";
import { readAnyStaged, type Prepared, type Staged } from "./prepare";
import { named } from "./state";

/** The staged values that a value reads. */
function stagedIn(builder: GraphBuilder, value: Value, staged: readonly Staged[]): readonly Staged[] {
  const used = new Set<Staged>();
  readAnyStaged(builder, value, staged, (each) => {
    used.add(each);
    return each.value;
  });
  return [...used];
}

/** Staged values and components so that each stands after what it reads. */
export function dependenceOrder(builder: GraphBuilder, prepared: Prepared): readonly (Staged | Component)[] {
  const { components, staged } = prepared;
  const order: (Staged | Component)[] = [];
  const done = new Set<string>();
  const addStaged = (each: Staged): void => {
    if (done.has(each.name)) return;
    done.add(each.name);
    stagedIn(builder, each.value, staged.filter((other) => other !== each)).forEach(addStaged);
    each.reads.forEach((name) => addComponent(named(prepared, name)));
    order.push(each);
  };
  const addComponent = (component: Component): void => {
    if (done.has(component.name)) return;
    done.add(component.name);
    component.reads.forEach((name) => addComponent(named(prepared, name)));
    stagedIn(builder, component.body, staged).forEach(addStaged);
    order.push(component);
  };
  components.forEach(addComponent);
  return order;
}
