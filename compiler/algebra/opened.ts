/**
 * @file Walks over opened values. Under a binder everything is read with its axis as a free index, so that the same
 * expression below two reductions is one node: sharing, cost and derivation are seen here and nowhere else.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import { children, postOrder } from "../../spec/graph/children";
import type { Graph, Index, Load, Slot, Span, Value } from "../../spec/graph/node";

/** The parts of a node, those under a binder opened with the first index it does not mention. */
export function openedParts(builder: GraphBuilder, value: Value): readonly Value[] {
  switch (value.kind) {
    case "reduce": {
      const { where, body } = builder.open(value);
      return [value.extent, where, body];
    }
    case "table": return [value.extent, builder.open(value).body, value.at];
    default: return children(value);
  }
}

/** Every opened node below `roots`, children before parents, each once. */
export function openedOrder(builder: GraphBuilder, roots: Iterable<Value>): Value[] {
  return postOrder(roots, (value) => openedParts(builder, value));
}

/** Replaces opened nodes, outermost first; what is put in is not looked into. */
export function replaceOpened(builder: GraphBuilder, value: Value, by: (value: Value) => Value | undefined, done: Map<Value, Value> = new Map()): Value {
  const had = done.get(value);
  if (had !== undefined) return had;
  const result = by(value) ?? builder.rebuild(value, (part) => replaceOpened(builder, part, by, done));
  done.set(value, result);
  return result;
}

export function replaceAll(builder: GraphBuilder, value: Value, replacements: ReadonlyMap<Value, Value>): Value {
  return replacements.size === 0 ? value : replaceOpened(builder, value, (node) => replacements.get(node));
}

/** What `find` gives for a node, found once: of a node nothing ever changes. */
function remembered<Found>(find: (builder: GraphBuilder, value: Value) => Found): (builder: GraphBuilder, value: Value) => Found {
  const known = new WeakMap<Value, { readonly found: Found }>();
  return (builder, value) => {
    let had = known.get(value);
    if (had === undefined) known.set(value, (had = { found: find(builder, value) }));
    return had.found;
  };
}

/** The opened loads below a value. */
export const loadsIn = remembered((builder, value): readonly Load[] => openedOrder(builder, [value]).filter((node): node is Load => node.kind === "load"));

export const slotsIn = remembered((builder, value): readonly Slot[] => (holdsSlot(value) ? openedOrder(builder, [value]).filter((node): node is Slot => node.kind === "slot") : []));

/** The free indices of a value, as nodes, in order of name. */
export const freeIndices = remembered((builder, value): readonly Index[] => {
  const found = new Map<string, Index>();
  for (const node of openedOrder(builder, [value])) if (node.kind === "index" && value.free.includes(node.name)) found.set(node.name, node);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
});

const slotted = new WeakMap<Value, boolean>();
const tabled = new WeakMap<Value, boolean>();

function holds(kind: Value["kind"], known: WeakMap<Value, boolean>, value: Value): boolean {
  let had = known.get(value);
  if (had === undefined) known.set(value, (had = value.kind === kind || children(value).some((part) => holds(kind, known, part))));
  return had;
}

/** Whether a value reads a fold's state or a staged value. */
export const holdsSlot = (value: Value): boolean => holds("slot", slotted, value);

/** Whether there is a suspended substitution in a value. */
export const holdsTable = (value: Value): boolean => holds("table", tabled, value);

/** Where the user wrote a value, or the first part of it of which that is known. */
export function placeOf(builder: GraphBuilder, value: Value): Span | undefined {
  const own = builder.spans.get(value);
  if (own !== undefined) return own;
  for (const part of openedOrder(builder, [value]).reverse()) {
    const span = builder.spans.get(part);
    if (span !== undefined) return span;
  }
  return undefined;
}

/** The values and indices of all stores. */
export function roots(graph: Graph): readonly Value[] {
  return graph.stores.flatMap(({ indices, value }) => [...indices, value]);
}

/** The graph with every stored value rewritten. */
export function mapStores(graph: Graph, rewrite: (value: Value) => Value): Graph {
  const stores = graph.stores.map((store) => {
    const value = rewrite(store.value);
    return value === store.value ? store : { ...store, value };
  });
  return stores.every((store, at) => store === graph.stores[at]) ? graph : { ...graph, stores };
}
