/** @file A graph for particular sizes: extents that are known become constants, everywhere and through the factories. */

import { GraphBuilder } from "../../spec/graph/builder";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Graph, Store, Value } from "../../spec/graph/node";
import { infinitiesTested } from "../../spec/interpreter/infinity";
import { withJoined } from "../../spec/tensor/check";
import type { Sizes } from "../program";

/** A graph in a builder of its own. */
export interface Specialised {
  readonly builder: GraphBuilder;
  readonly graph: Graph;
  /** The sizes that are constants in it. */
  readonly fixed: Sizes;
}

/** The graph for `set` sizes; those that its axes declare are fixed too. Inputs that it tests for infinities may hold some. Obligations stay with the original. */
export function specialise(graph: Graph, set: Sizes): Specialised {
  const fixed: Record<string, number> = {};
  for (const { name, extent, parts } of graph.axes) {
    const size = parts === undefined ? (extent ?? (Object.hasOwn(set, name) ? set[name] : undefined)) : withJoined(graph.axes, fixed)[name];
    if (size !== undefined) fixed[name] = size;
  }
  const copy = new Copy(fixed, graph.spans, infinitiesTested(graph));
  const stores = graph.stores.map(({ output, indices, value }): Store => ({ output, indices: indices.map((index) => copy.value(index)), value: copy.value(value) }));
  const axes = graph.axes.map((axis) => (axis.parts === undefined && Object.hasOwn(fixed, axis.name) ? { ...axis, extent: fixed[axis.name] ?? 0 } : axis));
  return { builder: copy.builder, graph: { ...graph, axes, stores, obligations: [], spans: copy.builder.spans }, fixed };
}

/** Copies values into a new builder. A bound index is opened on the way, and bound again by the factory. */
class Copy {
  readonly builder = new GraphBuilder();
  readonly #fixed: Sizes;
  readonly #spans: Graph["spans"];
  readonly #done = new Map<Value, Value>();
  /** Inputs that may hold infinities. */
  readonly #infinite: ReturnType<typeof infinitiesTested>;

  constructor(fixed: Sizes, spans: Graph["spans"], infinite: ReturnType<typeof infinitiesTested>) {
    this.#fixed = fixed;
    this.#spans = spans;
    this.#infinite = infinite;
  }

  value(value: Value): Value {
    return this.#copy(value, new Map(), this.#done);
  }

  /** `bound` gives what the bound indices in scope are in the copy; `done` holds what has been copied under them. */
  #copy(value: Value, bound: ReadonlyMap<string, Value>, done: Map<Value, Value>): Value {
    const closed = !value.free.some((name) => bound.has(name));
    const memory = closed ? this.#done : done;
    const known = memory.get(value);
    if (known !== undefined) return known;
    const outer = this.builder.span;
    this.builder.span = this.#spans.get(value) ?? outer;
    const made = this.#make(value, closed ? new Map() : bound, memory);
    this.builder.span = outer;
    memory.set(value, made);
    return made;
  }

  #make(value: Value, bound: ReadonlyMap<string, Value>, done: Map<Value, Value>): Value {
    const b = this.builder;
    const on = (part: Value): Value => this.#copy(part, bound, done);
    switch (value.kind) {
      case "constant": return b.constant(value.value);
      case "truth": return b.truth(value.value);
      case "extent": {
        const size = this.#fixed[value.axis];
        return size === undefined ? b.extent(value.axis) : b.constant(size);
      }
      case "index": {
        const known = bound.get(value.name);
        if (known !== undefined) return known;
        return b.index(value.axis, on(value.extent), opening(value.name));
      }
      case "load": {
        const { tensor } = value;
        const infinities = tensor.element.kind === "f32" ? this.#infinite.get(tensor.name) : undefined;
        return b.load(infinities === undefined ? tensor : { ...tensor, infinities }, value.indices.map(on));
      }
      case "linear": return b.linear(value.constant, value.terms.map(([k, term]) => [k, on(term)] as const));
      case "product": return b.product(value.factors.map(([base, exponent]) => [on(base), exponent] as const));
      case "quotient": case "remainder": {
        const right = on(value.right);
        // What divides by zero is not promised, and must not stand in the text.
        if (right === b.zero) return b.zero;
        return value.kind === "quotient" ? b.quotient(on(value.left), right) : b.remainder(on(value.left), right);
      }
      case "apply": return b.apply(value.fn, value.args.map(on));
      case "bitwise": return b.bitwise(value.op, on(value.left), on(value.right));
      case "larger": return b.larger(on(value.left), on(value.right));
      case "smaller": return b.smaller(on(value.left), on(value.right));
      case "select": return b.select(on(value.condition), on(value.yes), on(value.no));
      case "less": return b.less(on(value.left), on(value.right));
      case "atMost": return b.atMost(on(value.left), on(value.right));
      case "equal": return b.equal(on(value.left), on(value.right));
      case "not": return b.not(on(value.of));
      case "and": return b.and(...value.of.map(on));
      case "or": return b.or(...value.of.map(on));
      case "reduce": {
        const extent = on(value.extent);
        const index = b.index(value.axis, extent, this.#unused(value.axis, bound, value.free));
        const under = new Map(bound).set(value.bound, index);
        const inside = new Map<Value, Value>();
        return b.reduce(value.op, index, this.#copy(value.body, under, inside), this.#copy(value.where, under, inside));
      }
      case "table": {
        const under = new Map(bound).set(value.bound, on(value.at));
        return this.#copy(value.body, under, new Map());
      }
      case "slot": throw new InternalError(`a graph to be lowered has the slot ${value.name}`);
    }
  }

  /** The first free index of an axis that nothing in scope has. */
  #unused(axis: string, bound: ReadonlyMap<string, Value>, free: readonly string[]): number {
    const taken = new Set(free);
    for (const index of bound.values()) for (const name of index.free) taken.add(name);
    let k = 0;
    while (taken.has(`${axis}@${k}`)) k++;
    return k;
  }
}

/** The number of a free index: of `axis@k`, k. */
function opening(name: string): number {
  const at = name.lastIndexOf("@");
  const k = Number(name.slice(at + 1));
  if (at < 0 || !Number.isInteger(k)) throw new InternalError(`the index ${name} is not bound`);
  return k;
}
