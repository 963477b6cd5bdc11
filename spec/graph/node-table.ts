/**
 * @file The nodes of one builder, each made once: what makes two nodes the same node, and what is known of a node from its
 * parts. Nothing is simplified here.
 */

import { InternalError } from "../diagnostics/diagnostic";
import { children } from "./children";
import {
  applyFacts, bitwiseFacts, constantFacts, elementFacts, extremeFacts, linearFacts, productFacts, quotientFacts, range, reduceFacts,
  remainderFacts, selectFacts, TRUTH_FACTS,
} from "./facts";
import type { Facts, Span, Value } from "./node";

/** What a node is made of: all but what its table adds. */
export type Bare<V> = V extends Value ? Omit<V, "id" | "facts" | "free" | "levels"> : never;

const ids = (values: readonly Value[]): string => values.map((value) => value.id).join(" ");

/** Nodes of one kind and one identity are one node. */
function identity(bare: Bare<Value>, facts: Facts): string {
  switch (bare.kind) {
    case "constant": case "truth": return String(bare.value);
    case "extent": return bare.axis;
    case "index": return `${bare.name} ${bare.extent.id}`;
    case "load": return `${bare.tensor.name} ${ids(bare.indices)}`;
    case "slot": return `${bare.name} ${ids(bare.indices)} ${JSON.stringify(Object.values(facts).map(String))}`;
    case "linear": return `${bare.constant} ${bare.terms.map(([k, t]) => `${k}*${t.id}`).join(" ")}`;
    case "product": return bare.factors.map(([b, e]) => `${b.id}^${e}`).join(" ");
    case "apply": return `${bare.fn} ${ids(bare.args)}`;
    case "bitwise": return `${bare.op} ${bare.left.id} ${bare.right.id}`;
    case "not": return String(bare.of.id);
    case "and": case "or": return ids(bare.of);
    case "select": return `${bare.condition.id} ${bare.yes.id} ${bare.no.id}`;
    case "reduce": return `${bare.op} ${bare.bound} ${bare.extent.id} ${bare.where.id} ${bare.body.id}`;
    case "table": return `${bare.bound} ${bare.extent.id} ${bare.body.id} ${bare.at.id}`;
    case "quotient": case "remainder": case "larger": case "smaller": case "less": case "atMost": case "equal":
      return `${bare.left.id} ${bare.right.id}`;
  }
}

function factsOf(bare: Bare<Value>): Facts {
  switch (bare.kind) {
    case "constant": return constantFacts(bare.value);
    case "extent": return range(0, Infinity, { integer: true });
    case "index": return range(0, Math.max(0, bare.extent.facts.high - 1), { integer: true });
    case "load": return elementFacts(bare.tensor.element);
    case "slot": throw new InternalError("what is known of a slot is its owner's to say");
    case "linear": return linearFacts(bare.constant, bare.terms);
    case "product": return productFacts(bare.factors);
    case "quotient": return quotientFacts(bare.left.facts, bare.right.facts);
    case "remainder": return remainderFacts(bare.left.facts, bare.right.facts);
    case "apply": return applyFacts(bare.fn, bare.args.map(({ facts }) => facts));
    case "bitwise": return bitwiseFacts(bare.op, bare.left.facts, bare.right.facts);
    case "larger": case "smaller": return extremeFacts(bare.kind, bare.left.facts, bare.right.facts);
    case "select": return selectFacts(bare.condition, bare.yes, bare.no);
    case "reduce": return reduceFacts(bare.op, bare.extent, bare.where, bare.body.facts);
    case "table": return bare.body.facts;
    case "truth": case "less": case "atMost": case "equal": case "not": case "and": case "or": return TRUTH_FACTS;
  }
}

export class NodeTable {
  readonly #nodes = new Map<string, Value>();
  #count = 0;
  /** Where nodes were first written: the value of `span` when they were made. */
  readonly spans = new Map<Value, Span>();
  /** The place that new nodes get. */
  span: Span | undefined;

  /** How many nodes have been made. */
  get size(): number {
    return this.#count;
  }

  /** The one node that is `bare`. */
  make<V extends Bare<Value>>(bare: V, facts: Facts = factsOf(bare)): Extract<Value, { kind: V["kind"] }> {
    const name = `${bare.kind} ${identity(bare, facts)}`;
    const node = this.#nodes.get(name) ?? this.#new(bare, facts);
    this.#nodes.set(name, node);
    return node as Extract<Value, { kind: V["kind"] }>;
  }

  #new(bare: Bare<Value>, facts: Facts): Value {
    const free = new Set<string>();
    const levels: Record<string, number> = {};
    for (const part of children(bare as Value)) {
      for (const index of part.free) free.add(index);
      for (const [axis, level] of Object.entries(part.levels)) levels[axis] = Math.max(levels[axis] ?? -1, level);
    }
    if (bare.kind === "index") free.add(bare.name);
    if (bare.kind === "reduce" || bare.kind === "table") {
      free.delete(bare.bound);
      levels[bare.axis] = Number(bare.bound.slice(bare.bound.lastIndexOf("#") + 1));
    }
    const node = Object.freeze({ ...bare, id: this.#count++, facts, free: [...free].sort(), levels }) as Value;
    if (this.span !== undefined) this.spans.set(node, this.span);
    return node;
  }
}
