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
import { SharedNodes, type Bare } from "./shared-nodes";

function factsOf(bare: Bare<Value>): Facts {
  switch (bare.kind) {
    case "constant": return constantFacts(bare.value);
    case "extent": return range(0, Infinity, { integer: true });
    case "index": return range(0, Math.max(0, bare.extent.facts.high - 1), { integer: true });
    case "load": return elementFacts(bare.tensor.element, bare.tensor.infinities);
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
  readonly #shared = new SharedNodes();
  #count = 0;
  /** Where nodes were first written: the value of `span` when they were made. */
  readonly spans = new Map<Value, Span>();
  /** The place that new nodes get. */
  span: Span | undefined;

  /** How many nodes have been made. */
  get size(): number {
    return this.#count;
  }

  /** The one node that is `bare`, which becomes the node if there is none. @param facts of a slot; what is known of another node follows from its parts */
  make<V extends Bare<Value>>(bare: V, facts?: Facts): Extract<Value, { kind: V["kind"] }> {
    const place = this.#shared.find(bare, facts);
    const node = this.#shared.at(place) ?? this.#shared.put(place, this.#new(bare, facts ?? factsOf(bare)));
    return node as Extract<Value, { kind: V["kind"] }>;
  }

  #new(bare: Bare<Value>, facts: Facts): Value {
    let free: readonly string[] = NO_NAMES;
    let levels: Levels = NO_LEVELS;
    let depth = 1;
    for (const part of children(bare as Value)) {
      free = union(free, part.free);
      levels = highest(levels, part.levels);
      depth = Math.max(depth, part.depth + 1);
    }
    if (bare.kind === "index") free = union(free, [bare.name]);
    if (bare.kind === "reduce" || bare.kind === "table") {
      free = free.filter((name) => name !== bare.bound);
      levels = { ...levels, [bare.axis]: Number(bare.bound.slice(bare.bound.lastIndexOf("#") + 1)) };
    }
    // In place: copying objects of so many shapes takes ten times as long as all else that is done here.
    const node = bare as Bare<Value> & Added;
    node.id = this.#count++;
    node.facts = facts;
    node.free = free;
    node.levels = levels;
    node.depth = depth;
    const made = Object.freeze(node) as Value;
    if (this.span !== undefined) this.spans.set(made, this.span);
    return made;
  }
}

type Levels = Value["levels"];
/** What a table adds to what a node is made of. */
type Added = { -readonly [Key in "id" | "facts" | "free" | "levels" | "depth"]: Value[Key] };
const NO_NAMES: readonly string[] = [];
const NO_LEVELS: Levels = {};

/** Both lists, sorted as they are; one of them itself where it holds the other. */
function union(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a === b || b.length === 0) return a;
  if (a.length === 0) return b;
  const more = b.filter((name) => !a.includes(name));
  if (more.length === 0) return a;
  return more.length === b.length - a.length ? b : [...a, ...more].sort();
}

/** The greater level of each axis; one of both itself where it has them. */
function highest(a: Levels, b: Levels): Levels {
  if (a === b) return a;
  let made: Record<string, number> | undefined;
  for (const axis in b) {
    const level = b[axis] ?? -1;
    if ((a[axis] ?? -1) < level) (made ??= { ...a })[axis] = level;
  }
  return made ?? a;
}
