/**
 * @file The state of a fold as tensors: what a shard writes and a merge reads. One tensor for each component, over the
 * component's own axes. What took in nothing is told apart, and never computed with:
 *
 *     sum                 0; where a repair reads it, `….present` beside it says whether it took in anything
 *     max, min            −∞, +∞; likewise, where what is compared may be infinite itself
 *     argmax, argmin      −1, else the position on the whole axis
 *     any                 0, else 1
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Store, Tensor, Value } from "../../spec/graph/node";
import type { Component } from "../algebra/derived";
import { infinitiesOf, type Infinities } from "../kernel/infinities";
import { scalarType } from "../kernel/scalar";
import { isArg, storedFacts, type ReadState } from "../plan/fold/state";

/** How the tensors of one state, and those of several stacked along an axis, are called. */
type Prefix = "state" | "states";

/** @param outer axes of the program, outer → inner as its outputs have them */
export function stateTensor(component: Component, element: Tensor["element"], prefix: Prefix, outer: readonly string[], stacked: readonly string[] = []): Tensor {
  return { name: `${prefix}.${component.name.replaceAll(" ", ".")}`, element, axes: [...stacked, ...inOrder(component, outer, component.own).map(({ axis }) => axis)] };
}

/** What belongs to a component's own axes, in the order in which its tensor has them. */
function inOrder<T>({ own }: Component, outer: readonly string[], list: readonly T[]): readonly T[] {
  const rank = (at: number): number => {
    const found = outer.indexOf(own[at]?.axis ?? "");
    return found < 0 ? outer.length : found;
  };
  return list.map((each, at) => ({ each, at })).sort((a, b) => rank(a.at) - rank(b.at) || a.at - b.at).map(({ each }) => each);
}

/** How a component is stored: an integer as such where it is computed as such. `whole` is its value over a shard. */
export function stateElement(component: Component, whole: Value): Tensor["element"] {
  if (component.op === "any") return { kind: "u32" };
  if (isArg(component)) return { kind: "i32" };
  const scalar = scalarType(whole);
  if (scalar === "bool") throw new InternalError(`the state of ${component.name} is a truth`);
  return { kind: scalar };
}

/** Stores a component, over its own axes numbered as an output has them: the k-th of an axis has the number k. */
export function stateStore(builder: GraphBuilder, component: Component, outer: readonly string[], output: Tensor, value: Value): Store {
  const counts = new Map<string, number>();
  const moves = new Map<Value, Value>();
  const own = inOrder(component, outer, component.own);
  for (const axis of own) {
    const k = counts.get(axis.axis) ?? 0;
    counts.set(axis.axis, k + 1);
    moves.set(axis, builder.index(axis.axis, axis.extent, k));
  }
  return { output, indices: own.map((axis) => moves.get(axis) ?? axis), value: builder.substitute(value, moves) };
}

/** Reads the elements of several states, `side` saying which, in the form in which `Coarser` joins them. */
export function readStates(builder: GraphBuilder, outer: readonly string[], tensors: ReadonlyMap<string, Tensor>, side: Value): ReadState {
  return (component, live, indices) => {
    const tensor = tensors.get(component.name);
    if (tensor === undefined) throw new InternalError(`the state of ${component.name} is no tensor`);
    const stored = builder.load(tensor, [side, ...inOrder(component, outer, indices)]);
    if (component.op === "any") return stored;
    if (isArg(component)) return builder.select(builder.less(stored, builder.zero), builder.constant(Infinity), stored);
    // What is known of every state that a shard writes, a load does not say: a bound changes nothing and says it.
    const bounded = storedFacts(component, live).low === 0 ? builder.larger(stored, builder.zero) : stored;
    if (live) return bounded;
    const { negative, positive } = empties(component);
    // An input may hold an infinity where it is compared with one.
    const above = positive ? builder.select(builder.equal(stored, builder.constant(Infinity)), builder.constant(Infinity), bounded) : bounded;
    return negative ? builder.select(builder.equal(stored, builder.constant(-Infinity)), builder.constant(-Infinity), above) : above;
  };
}

/** The infinities that a stored element may be, an empty one included. */
function empties({ op, body }: Component): Infinities {
  const { negative, positive } = infinitiesOf(body);
  return { negative: negative || op === "max", positive: positive || op === "min" };
}
