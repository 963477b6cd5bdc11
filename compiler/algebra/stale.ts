/**
 * @file Stale references: whether the outputs stay the same when a maximum that others are measured against lags behind.
 * With acc → r·acc for all that it repairs, an output such as acc / total does not change, and neither does m + log total.
 * That is a fact about the outputs; no plan makes use of it, for the reasons in `spec/numerics.md`, which `explain` counts.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import type { Component } from "./derived";
import { replaceOpened, slotsIn } from "./opened";

/**
 * The extremes that may lag, if all outputs permit it: each is read only as a reference (by repairs and finishes), and
 * every finish stays what it is when the reference moves and what it repairs moves with it.
 */
export function staleReferences(builder: GraphBuilder, components: readonly Component[], index: Index, outputs: readonly Value[]): readonly string[] {
  return components.filter((component) => component.op === "max" && component.repair.kind === "none" && mayLag(builder, component, components, index, outputs)).map(({ name }) => name);
}

function mayLag(builder: GraphBuilder, reference: Component, components: readonly Component[], index: Index, outputs: readonly Value[]): boolean {
  const readers = components.filter(({ reads }) => reads.includes(reference.name));
  if (readers.length === 0) return false;
  const moved = new Map<string, (slot: Value) => Value>();
  for (const reader of readers) {
    if (reader.repair.kind !== "multiply" || reader.reads.length !== 1 || reader.extreme !== undefined) return false;
    if (reader.repair.proof.range !== "atMostOne") return false;
    const exponent = exponentOf(reader.repair.factor);
    if (exponent === undefined || exponent.free.includes(index.name)) return false;
    moved.set(reader.name, (slot) => builder.multiply(slot, builder.apply("exp", [plainly(builder, exponent, reference.name)])));
  }
  // What is already finished is read as a nonempty row: an empty one has nothing to lag behind.
  const nonEmpty = new Map<Value, Value>();
  for (const slot of outputs.flatMap((value) => slotsIn(builder, value))) {
    const component = components.find(({ name }) => name === slot.name);
    if (component !== undefined) nonEmpty.set(slot, component.live);
  }
  return outputs.every((output) => {
    const live = replaceOpened(builder, output, (node) => nonEmpty.get(node));
    const shifted = replaceOpened(builder, live, (node) => {
      if (node.kind !== "slot") return undefined;
      if (node.name === reference.name) return builder.slot(`${node.name}@new`, node.indices, node.facts);
      return moved.get(node.name)?.(node);
    });
    const [a, b] = [normal(builder, live), normal(builder, shifted)];
    return a === b;
  });
}

const exponentOf = (factor: Value): Value | undefined => (factor.kind === "apply" && factor.fn === "exp" ? factor.args[0] : undefined);

/** A repair's exponent with `name@old` read as the slot itself. */
const plainly = (builder: GraphBuilder, value: Value, name: string): Value =>
  replaceOpened(builder, value, (node) => (node.kind === "slot" && node.name === `${name}@old` ? builder.slot(name, node.indices, node.facts) : undefined));

/**
 * A value with exponentials of one product merged and logarithms of products taken apart: over the reals the same, used
 * for comparison only, since neither form is safe to compute with.
 */
function normal(builder: GraphBuilder, value: Value): Value {
  return builder.rewrite(value, (node) => {
    if (node.kind === "product") {
      let exponent: Value = builder.zero;
      const rest: (readonly [Value, number])[] = [];
      const take = (base: Value, power: number): void => {
        const [argument] = base.kind === "apply" && base.fn === "exp" ? base.args : [];
        if (argument !== undefined) exponent = builder.linear(0, [[1, exponent], [power, argument]]);
        else if (base.kind === "product") for (const [inner, e] of base.factors) take(inner, e * power);
        else rest.push([base, power]);
      };
      for (const [base, power] of node.factors) take(base, power);
      const exponential = builder.apply("exp", [exponent]);
      return exponential === builder.one ? builder.product(rest) : builder.product([...rest, [exponential, 1]]);
    }
    if (node.kind === "apply" && node.fn === "log") {
      const [argument] = node.args;
      if (argument?.kind !== "product") return undefined;
      const terms = argument.factors.map(([base, power]) => [power, base.kind === "apply" && base.fn === "exp" ? (base.args[0] ?? base) : builder.apply("log", [base])] as const);
      return builder.linear(0, terms);
    }
    return undefined;
  });
}

