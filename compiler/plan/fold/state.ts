/**
 * @file The state of a fold between its levels: what a component is stored as, how a side that is empty is told, and the
 * formula by which finer parts meet in a coarser one.
 *
 *     X_p = ⊕ over n with X_n not empty of R(X_n; n → p)
 *
 * A position (`argmax`, `argmin`) is stored as a real that is +∞ where there is none, `any` as 0 or 1.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import { range } from "../../../spec/graph/facts";
import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Facts, ReduceOperator, Slot, Value } from "../../../spec/graph/node";
import type { Component } from "../../algebra/derived";
import { baseName, readSlots, repairText, type Prepared } from "./prepare";

/** Reads an element of a component's stored state; `live`: it is known not to be empty. */
export type ReadState = (component: Component, live: boolean, indices: readonly Value[]) => Value;

/** The operator that joins two stored values that are not empty, by which lanes are crossed too. */
export function joinOf({ op }: Component): "sum" | "max" | "min" {
  switch (op) {
    case "sum": return "sum";
    case "max": case "any": return "max";
    case "min": case "argmax": case "argmin": return "min";
  }
}

export const isArg = ({ op }: { readonly op: ReduceOperator }): boolean => op === "argmax" || op === "argmin";

/** What is stored for an empty side. */
export function emptyOf(builder: GraphBuilder, component: Component): Value {
  return component.op === "any" ? builder.zero : builder.identity(joinOf(component));
}

/** The facts of a stored element: of one that nothing was taken into, also those of what is stored for it. */
export function storedFacts(component: Component, live: boolean): Facts {
  const { facts } = component.live;
  switch (component.op) {
    case "any": return range(0, 1);
    case "argmax": case "argmin": return live ? facts : { ...facts, high: Infinity, mayBePositiveInfinity: true, integer: false };
    case "sum": return live ? facts : { ...facts, low: Math.min(0, facts.low), high: Math.max(0, facts.high), nonZero: false };
    case "max": return live ? facts : { ...facts, low: -Infinity, mayBeNegativeInfinity: true, nonZero: false, integer: false };
    case "min": return live ? facts : { ...facts, high: Infinity, mayBePositiveInfinity: true, nonZero: false, integer: false };
  }
}

/** Whether the stored elements may be the sentinel. */
export const mayBeInfinite = ({ op, live }: Component): boolean => (op !== "sum" && op !== "any") || live.facts.mayBeNegativeInfinity || live.facts.mayBePositiveInfinity;

/** A stored value as those outside the fold's state read it: truths as truths, a position of nothing as 0. */
export function asRead(builder: GraphBuilder, component: Component, stored: Value, live: Value): Value {
  if (component.op === "any") return builder.less(builder.zero, stored);
  if (isArg(component)) return builder.select(builder.equal(stored, builder.constant(Infinity)), builder.zero, live);
  return stored;
}

/** A value that a component has, as it is stored. */
export function asStored(builder: GraphBuilder, component: Component, value: Value): Value {
  return component.op === "any" ? builder.select(value, builder.one, builder.zero) : value;
}

/** A merged value of which is known what is known of the component: a root of it, say, may be taken. */
export function bounded(builder: GraphBuilder, component: Component, value: Value): Value {
  const { op, live: { facts: { low } } } = component;
  if (op === "any" || isArg(component) || low < 0 || value.facts.low >= 0) return value;
  const least = builder.larger(value, builder.zero);
  const empty = builder.identity(op);
  return op === "sum" ? least : builder.select(builder.equal(value, empty), empty, least);
}

export function named(prepared: Prepared, name: string): Component {
  const found = prepared.components.find((component) => component.name === name);
  if (found === undefined) throw new InternalError(`the fold ${prepared.fold.name} has no component ${name}`);
  return found;
}

/** Replaces the slots of this fold's components in a value, by side: `@old`, `@new`, or neither. Those of folds that are done stay. */
export function resolve(builder: GraphBuilder, prepared: Prepared, value: Value, read: (component: Component, side: "old" | "new", indices: readonly Value[]) => Value | undefined): Value {
  const names = new Set(prepared.components.map(({ name }) => name));
  return readSlots(builder, value, (slot: Slot) => {
    const base = baseName(slot.name);
    if (!names.has(base)) return undefined;
    return read(named(prepared, base), slot.name.endsWith("@old") ? "old" : "new", slot.indices);
  });
}

/** Whether all that the repair of a component reads is there on the finer side; `always` is what then stands for certain. */
export function liveTest(builder: GraphBuilder, prepared: Prepared, component: Component, read: ReadState, always: Value): Value {
  const text = repairText(component.repair);
  const holder = component.extreme === undefined ? undefined : named(prepared, component.extreme);
  const tests: Value[] = [];
  const test = (other: Component, indices: readonly Value[]): void => {
    const presence = prepared.presence.get(other.name) ?? { kind: "always" };
    switch (presence.kind) {
      case "always": tests.push(always); break;
      case "extreme": tests.push(builder.not(builder.equal(read(other, false, indices), builder.identity(other.op)))); break;
      case "counted": tests.push(builder.less(builder.zero, read(named(prepared, presence.component), false, indices))); break;
    }
  };
  if (text !== undefined) resolve(builder, prepared, text, (other, _, indices) => {
    test(other, indices);
    return undefined;
  });
  if (holder !== undefined) tests.push(liveTest(builder, prepared, holder, read, always));
  return builder.and(...tests);
}

/** What a stored element of the finer side is worth on the coarser one. Meant where `liveTest` holds. */
export function repaired(builder: GraphBuilder, prepared: Prepared, component: Component, value: Value, old: ReadState, now: ReadState): Value {
  const { repair } = component;
  const text = repairText(repair);
  if (text === undefined) return value;
  const change = resolve(builder, prepared, text, (other, side, indices) => (side === "old" ? old : now)(other, true, indices));
  return repair.kind === "multiply" ? builder.multiply(value, change) : builder.add(value, change);
}

/** Finer states side by side: one at each position of `index`. */
export interface Source {
  /** Free, or 0 where there is one. */
  readonly index: Value;
  readonly fine: ReadState;
  /** The components that these states have; absent: all. */
  readonly has?: (component: Component) => boolean;
}

/**
 * The coarser state as values over own axes: each component the reduction over the finer states of all `sources`. What
 * `kept` gives instead of a value is what readers of a component see: a stored element, say.
 */
export class Coarser {
  readonly #made = new Map<string, Value>();

  constructor(
    readonly builder: GraphBuilder,
    readonly prepared: Prepared,
    readonly sources: readonly Source[],
    /** How readers see a coarse component, where it is kept. */
    readonly kept: (component: Component, live: boolean, indices: readonly Value[]) => Value | undefined = () => undefined,
  ) {}

  /** The stored form of a component over its own axes. */
  stored(component: Component): Value {
    let value = this.#made.get(component.name);
    if (value === undefined) this.#made.set(component.name, (value = this.#reduced(component)));
    return value;
  }

  /** As read at other positions of its own axes. */
  at(component: Component, live: boolean, indices: readonly Value[]): Value {
    const kept = this.kept(component, live, indices);
    if (kept !== undefined) return kept;
    const { own } = component;
    const moves = new Map<Value, Value>(own.flatMap((axis, k) => (indices[k] === undefined || indices[k] === axis ? [] : [[axis, indices[k]] as const])));
    return this.builder.substitute(this.stored(component), moves);
  }

  #reduced(component: Component): Value {
    const { builder } = this;
    const values = this.sources.filter(({ has }) => has?.(component) ?? true).map((source) => this.#over(source, component));
    const [only] = values;
    if (only !== undefined && values.length === 1) return only;
    switch (joinOf(component)) {
      case "sum": return builder.add(...values);
      case "max": return values.reduce((a, b) => builder.larger(a, b), emptyOf(builder, component));
      case "min": return values.reduce((a, b) => builder.smaller(a, b), emptyOf(builder, component));
    }
  }

  #over({ index, fine }: Source, component: Component): Value {
    const { builder, prepared } = this;
    const { own } = component;
    const now: ReadState = (other, live, indices) => this.at(other, live, indices);
    const live = liveTest(builder, prepared, component, fine, builder.true);
    if (component.extreme !== undefined) {
      const holder = named(prepared, component.extreme);
      const here = repaired(builder, prepared, holder, fine(holder, false, holder.own), fine, now);
      const wins = builder.and(liveTest(builder, prepared, holder, fine, builder.true), builder.equal(here, this.at(holder, false, holder.own)));
      return builder.reduce("min", index, fine(component, false, own), wins);
    }
    const value = repaired(builder, prepared, component, fine(component, component.repair.kind !== "none" && joinOf(component) !== "sum", own), fine, now);
    if (component.op === "any") return asStored(builder, component, builder.reduce("any", index, builder.less(builder.zero, value)));
    return builder.reduce(joinOf(component), index, value, live);
  }
}
