/**
 * @file A kernel in three, so that an axis may be cut into shards that lie on different devices or machines:
 *
 *     partial   a shard of the inputs        → the state of the folds over the axis
 *     join      k states, in any order       → the state of all of them
 *     merge     k states, in any order       → the outputs
 *
 * Each is a graph like any other. The state is that of the derived folds, so there is nothing here for any particular
 * program; what has no sound merge is refused with what stood in the way of it.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import { postOrder } from "../../spec/graph/children";
import type { AxisDeclaration, Graph, Obligation, Store, Tensor, Value } from "../../spec/graph/node";
import type { Component, Derived, Fold, Repair } from "../algebra/derived";
import { divisors } from "../algebra/divisors";
import { replaceOpened } from "../algebra/opened";
import { deriveFolds } from "../algebra/folds";
import { prepare, readSlots, type Prepared } from "../plan/fold/prepare";
import { asRead, asStored, bounded, Coarser, isArg, named } from "../plan/fold/state";
import { Local, Unshardable } from "./local";
import { readStates, stateElement, stateStore, stateTensor } from "./state";

export interface ShardedGraph {
  /** The axis that is cut. */
  readonly axis: string;
  readonly partial: Graph;
  readonly join: Graph;
  readonly merge: Graph;
}

/**
 * The three graphs for one axis; they share the builder of `graph`.
 * @throws Unshardable with the reason
 */
export function shardAlong(builder: GraphBuilder, graph: Graph, axis: string): ShardedGraph {
  return new Sharding(builder, graph, axis).make();
}

/** The axes that folds run over. */
export const foldedAxes = (builder: GraphBuilder, graph: Graph): readonly string[] => [...new Set(deriveFolds(builder, divisors(builder, graph).graph).folds.map(({ axis }) => axis))];

class Sharding {
  readonly #derived: Derived;
  readonly #mine: readonly Prepared[];
  readonly #local: Local;
  readonly #owners = new Map<string, { readonly fold: Fold; readonly component: Component }>();
  readonly #shardOf = new Map<string, Value>();
  readonly #names: { readonly start: string; readonly whole: string; readonly side: string };

  constructor(readonly builder: GraphBuilder, readonly graph: Graph, readonly axis: string) {
    const { extent: declared, parts } = graph.axes.find(({ name }) => name === axis) ?? {};
    const joined = graph.axes.find((each) => each.parts?.includes(axis))?.name;
    if (parts !== undefined) throw new Unshardable(`\`${axis}\` is ${parts.map((part) => `\`${part}\``).join(" and ")} one after the other`);
    if (joined !== undefined) throw new Unshardable(`\`${axis}\` is a part of \`${joined}\``);
    if (declared !== undefined) throw new Unshardable(`\`${axis}\` is declared with ${declared} positions, so that every run has all of them`);
    const taken = new Set(graph.axes.map(({ name }) => name));
    const fresh = (name: string): string => (taken.has(`${axis}.${name}`) ? fresh(`${name}_`) : `${axis}.${name}`);
    this.#names = { start: fresh("start"), whole: fresh("whole"), side: fresh("shard") };
    this.#local = new Local(builder, axis, { start: builder.extent(this.#names.start), whole: builder.extent(this.#names.whole) });
    // Unsplit: a state has the axes of the program.
    this.#derived = deriveFolds(builder, divisors(builder, graph).graph);
    const over = this.#derived.folds.filter((fold) => fold.axis === axis);
    if (over.length === 0) throw new Unshardable(`nothing is reduced over \`${axis}\` but inside other loops`);
    for (const { pass, because } of over) if (pass > 0) throw new Unshardable(`it takes a further pass over \`${axis}\`: ${because.map(({ why }) => why).join("; ")}`);
    for (const fold of this.#derived.folds) for (const component of fold.components) this.#owners.set(component.name, { fold, component });
    this.#mine = over.map((fold) => prepare(builder, this.#inlined(fold), { mayBeEmpty: true }));
  }

  make(): ShardedGraph {
    const { axis, graph, builder } = this;
    const { side } = this.#names;
    const outer = [...new Set(graph.outputs.flatMap(({ axes }) => axes))];
    const partial: Store[] = [];
    const join: Store[] = [];
    const read = new Map<string, (indices: readonly Value[]) => Value>();
    for (const prepared of this.#mine) {
      const values = new Map(prepared.components.map((component) => [component, this.#valueOf(prepared, component)]));
      const elements = new Map([...values].map(([component, value]) => [component, stateElement(component, value)]));
      const tensor = (component: Component, prefix: "state" | "states"): Tensor => stateTensor(component, elements.get(component) ?? { kind: "f32" }, prefix, outer, prefix === "states" ? [side] : []);
      for (const [component, value] of values) partial.push(stateStore(builder, component, outer, tensor(component, "state"), this.#asState(prepared, component, value)));
      const states = new Map(prepared.components.map((component) => [component.name, tensor(component, "states")]));
      const at = builder.index(side, builder.extent(side), SIDE);
      const coarser = new Coarser(builder, prepared, [{ index: at, fine: readStates(builder, outer, states, at) }]);
      for (const component of prepared.components) {
        join.push(stateStore(builder, component, outer, tensor(component, "state"), this.#joined(component, coarser)));
        read.set(component.name, (indices) => this.#merged(component, coarser, indices));
      }
    }
    const merge = this.#derived.stores.map((store): Store => ({ ...store, value: this.#local.after(this.#finished(store.value, read)) }));
    return {
      axis,
      partial: this.#graph(`${graph.name}Partial`, partial),
      join: this.#graph(`${graph.name}Join`, join),
      merge: this.#graph(`${graph.name}Merge`, merge),
    };
  }

  // A shard.

  /** A fold over the axis that computes for itself what it needs of folds over others. */
  #inlined(fold: Fold): Fold {
    const { builder } = this;
    const names = new Set(fold.components.map(({ name }) => name));
    const into = (value: Value): Value => readSlots(builder, value, (slot) => {
      if (names.has(slot.name.replace(/@(old|new)$/, ""))) return undefined;
      const { fold: other, component } = this.#owner(slot.name);
      if (other.axis === this.axis) throw new Unshardable(`it takes a further pass over \`${this.axis}\`, which needs ${component.name} of all of it`);
      return this.#at(component, builder.reduce(component.op, other.index, into(component.body), into(component.where)), slot.indices.map(into));
    });
    const repaired = (repair: Repair): Repair => (repair.kind === "multiply" ? { ...repair, factor: into(repair.factor) } : repair.kind === "add" ? { ...repair, term: into(repair.term) } : repair);
    return { ...fold, components: fold.components.map((component) => ({ ...component, body: into(component.body), where: into(component.where), repair: repaired(component.repair) })) };
  }

  /** What a component of a fold over the axis is worth on a shard. */
  #valueOf(prepared: Prepared, component: Component): Value {
    let value = this.#shardOf.get(component.name);
    if (value === undefined) {
      const { builder } = this;
      const here = (part: Value): Value => this.#onShard(prepared, this.#local.of(part, prepared.index));
      value = builder.reduce(component.op, prepared.index, here(component.body), here(component.where));
      this.#shardOf.set(component.name, value);
    }
    return value;
  }

  /** A value of the loop with the components it reads as the shard has them. */
  #onShard(prepared: Prepared, value: Value): Value {
    return readSlots(this.builder, value, (slot) => {
      const component = named(prepared, slot.name);
      const own = this.#valueOf(prepared, component);
      return this.#at(component, isArg(component) ? this.#local.position(own) : own, slot.indices);
    });
  }

  /** A value on a shard in the form in which it is stored. */
  #asState(prepared: Prepared, component: Component, value: Value): Value {
    const { builder } = this;
    if (!isArg(component)) return asStored(builder, component, value);
    const any = builder.reduce("any", prepared.index, builder.true, this.#onShard(prepared, this.#local.of(component.where, prepared.index)));
    return builder.select(any, this.#local.position(value), builder.constant(-1));
  }

  // All shards.

  #joined(component: Component, coarser: Coarser): Value {
    const { builder } = this;
    const stored = coarser.stored(component);
    return isArg(component) ? builder.select(builder.equal(stored, builder.constant(Infinity)), builder.constant(-1), this.#local.inside(stored)) : stored;
  }

  #merged(component: Component, coarser: Coarser, indices: readonly Value[]): Value {
    const stored = bounded(this.builder, component, coarser.at(component, false, indices));
    return asRead(this.builder, component, stored, isArg(component) ? this.#local.inside(stored) : stored);
  }

  /** A value of an output or of another fold, with the states merged. */
  #finished(value: Value, read: ReadonlyMap<string, (indices: readonly Value[]) => Value>): Value {
    return readSlots(this.builder, value, (slot) => {
      const merged = read.get(slot.name);
      const indices = slot.indices.map((index) => this.#finished(index, read));
      if (merged !== undefined) return merged(indices);
      const { fold, component } = this.#owner(slot.name);
      const closed = this.builder.reduce(component.op, fold.index, this.#finished(component.body, read), this.#finished(component.where, read));
      return this.#at(component, closed, indices);
    });
  }

  // Parts of both.

  #owner(name: string): { readonly fold: Fold; readonly component: Component } {
    const owner = this.#owners.get(name);
    if (owner === undefined) throw new InternalError(`${name} is a component of no fold`);
    return owner;
  }

  /** A value over a component's own axes, at other positions. */
  #at({ own }: Component, value: Value, indices: readonly Value[]): Value {
    return this.builder.substitute(value, new Map<Value, Value>(own.flatMap((axis, k) => (indices[k] === undefined || indices[k] === axis ? [] : [[axis, indices[k]] as const]))));
  }

  #graph(name: string, stores: readonly Store[]): Graph {
    const { builder, graph } = this;
    const inputs = new Map<string, Tensor>();
    const sizes = new Set<string>();
    for (const node of postOrder(stores.flatMap(({ indices, value }) => [...indices, value]))) {
      if (node.kind === "load") inputs.set(node.tensor.name, node.tensor);
      if (node.kind === "extent") sizes.add(node.axis);
    }
    const outputs = stores.map(({ output }) => output);
    for (const { axes } of [...inputs.values(), ...outputs]) for (const axis of axes) sizes.add(axis);
    const { start, whole } = this.#names;
    const own = this.#obligations(sizes);
    const placed = postOrder(own.flatMap(({ claim }) => parts(claim))).some((node) => node.kind === "extent" && node.axis === whole) || sizes.has(start) || sizes.has(whole);
    const obligations = [...own, ...(sizes.has(this.axis) && placed ? [this.#inWhole()] : [])];
    for (const { claim } of obligations) {
      if (claim.kind === "inside") sizes.add(claim.axis);
      for (const node of postOrder(parts(claim))) if (node.kind === "extent") sizes.add(node.axis);
    }
    for (const { name: each, parts = [] } of [...graph.axes].reverse()) if (sizes.has(each)) for (const part of parts) sizes.add(part);
    const known: readonly AxisDeclaration[] = [...graph.axes, ...Object.values(this.#names).map((each) => ({ name: each }))];
    const order = new Map(graph.inputs.map((tensor, at) => [tensor.name, at]));
    return {
      name,
      axes: known.filter((each) => sizes.has(each.name)),
      inputs: [...inputs.values()].sort((a, b) => (order.get(a.name) ?? Infinity) - (order.get(b.name) ?? Infinity)),
      outputs,
      stores,
      obligations,
      spans: builder.spans,
    };
  }

  /** The graph's own claims, made of the whole axis, as far as they are about what this graph reads. */
  #obligations(sizes: ReadonlySet<string>): readonly Obligation[] {
    const whole = (value: Value): Value => replaceOpened(this.builder, value, (node) => {
      if (node.kind === "extent" && node.axis === this.axis) return this.#local.place.whole;
      if (node.kind === "index" && node.axis === this.axis) return this.builder.index(this.#names.whole, this.#local.place.whole, Number(node.name.slice(node.name.lastIndexOf("@") + 1)));
      return undefined;
    });
    return this.graph.obligations.flatMap(({ claim, span }): readonly Obligation[] => {
      if (claim.kind === "divides") {
        const dividend = whole(claim.dividend);
        const divisor = whole(claim.divisor);
        const open = postOrder([dividend, divisor]).filter((node) => node.kind === "extent");
        return open.every((node) => sizes.has(node.axis)) ? [{ claim: { kind: "divides", dividend, divisor }, span }] : [];
      }
      if (claim.axis === this.axis || !sizes.has(claim.axis)) return [];
      return [{ claim: { ...claim, index: whole(claim.index), under: claim.under.map(whole) }, span }];
    });
  }

  /** Every position of the shard is one of the whole axis. */
  #inWhole(): Obligation {
    const { builder, axis } = this;
    const last = builder.add(this.#local.place.start, builder.index(axis, builder.extent(axis)));
    return { claim: { kind: "inside", index: last, axis: this.#names.whole, of: axis, under: [] }, span: undefined };
  }
}

const parts = (claim: Obligation["claim"]): readonly Value[] => (claim.kind === "divides" ? [claim.dividend, claim.divisor] : [claim.index, ...claim.under]);

/** The number of the index over states: apart from those of binders and of own axes. */
const SIDE = 3000;
