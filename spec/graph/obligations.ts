/**
 * @file Claims about indices and sizes: which of them hold for given sizes, and what is said where they do not. The
 * front end makes the claims; those that only sizes can decide travel with the graph and are decided before it runs.
 */

import { InternalError, type Diagnostic } from "../diagnostics/diagnostic";
import { GraphBuilder } from "./builder";
import { postOrder } from "./children";
import type { Graph, Obligation, Span, Value } from "./node";
import { nonNegative } from "./prove";
import { rangeText, sizeText } from "./range";

type Sizes = Readonly<Record<string, number>>;
type Claim = Obligation["claim"];
type Inside = Extract<Claim, { kind: "inside" }>;

/** The faults of a graph for sizes of all its axes: every claim that fails or cannot be proved. */
export function discharge(graph: Graph, sizes: Sizes): readonly Diagnostic[] {
  const declared: Record<string, number> = {};
  for (const { name, extent } of graph.axes) if (extent !== undefined) declared[name] = extent;
  const all = { ...sizes, ...declared };
  return graph.obligations.flatMap(({ claim, span }) => {
    const fault = faultOf(claim, all);
    return fault === undefined ? [] : [{ ...fault, ...place(span) }];
  });
}

const place = (span: Span | undefined): Partial<Span> => (span === undefined ? {} : { ...span });

/** What is wrong with a claim for given sizes, if anything is. Axes without a size stay symbolic. */
export function faultOf(claim: Claim, sizes: Sizes): Diagnostic | undefined {
  const copy = new Copy(new GraphBuilder(), sizes);
  return claim.kind === "divides" ? dividesFault(claim, copy) : insideFault(claim, copy);
}

/** Whether a read takes place for given sizes, and is proved to lie inside its axis. */
export function readsInside(claim: Inside, sizes: Sizes): boolean {
  const { builder, index, size, under } = instance(claim, new Copy(new GraphBuilder(), sizes));
  return !isVacuous([index, ...under]) && isInside(builder, index, size, under);
}

const instance = ({ index, axis, under }: Inside, copy: Copy) =>
  ({ builder: copy.builder, index: copy.of(index), size: copy.size(axis), under: under.map((each) => copy.of(each)) });

function dividesFault({ dividend, divisor }: Extract<Claim, { kind: "divides" }>, copy: Copy): Diagnostic | undefined {
  const [size, count] = [copy.of(dividend), copy.of(divisor)];
  if (size.kind !== "constant" || count.kind !== "constant") throw new InternalError("a division of sizes that are not all known");
  if (count.value > 0 && size.value % count.value === 0) return undefined;
  return {
    code: "KV2102",
    message: `${sizeName(dividend)} cannot be divided evenly among ${sizeName(divisor)}`,
    expected: count.value > 0 ? `a multiple of ${count.value}` : "at least one part",
    got: `${size.value} among ${count.value}`,
    mend: "Give the axes sizes of which one is a multiple of the other.",
  };
}

const sizeName = (size: Value): string => (size.kind === "extent" ? `axis \`${size.axis}\`` : `an axis of ${sizeText(size)}`);

function insideFault(claim: Inside, copy: Copy): Diagnostic | undefined {
  const { builder, index, size, under } = instance(claim, copy);
  if (isVacuous([index, ...under]) || isInside(builder, index, size, under)) return undefined;
  return outside(claim.of, claim.axis, index, size);
}

/** Nothing is read where a condition fails, or an axis that is run along has no position. */
const isVacuous = (nodes: readonly Value[]): boolean =>
  nodes.some((node) => node.kind === "truth" && !node.value) ||
  postOrder(nodes).some((node) => node.kind === "index" && nodes.some(({ free }) => free.includes(node.name)) && node.extent.kind === "constant" && node.extent.value === 0);

/** Whether an integer is proved to lie in 0 … size − 1 where all of `under` hold. */
export function isInside(builder: GraphBuilder, index: Value, size: Value, under: readonly Value[]): boolean {
  return nonNegative(index, under) && nonNegative(builder.linear(-1, [[1, size], [-1, index]]), under);
}

/** KV2001: `of` is read at an index that is not proved to lie inside its axis. */
export function outside(of: string, axis: string, index: Value, size: Value): Diagnostic {
  const below = index.facts.low < 0 ? "i >= 0 && " : "";
  return {
    code: "KV2001",
    message: `\`${of}\` may be read outside its axis \`${axis}\``,
    expected: size.kind === "constant" && size.value === 0 ? "no read, as the axis is empty" : `an index from 0 to ${sizeText(size, 1)}`,
    got: rangeText(index),
    mend: `Force the index into the axis, \`clamp(i, ${named(axis)})\`, or read only under a condition on it: \`${below}i < extent(${named(axis)}) ? … : 0\`.`,
  };
}

/** An axis as it is probably called in the source. */
const named = (axis: string): string => (/^[A-Za-z_$][\w$]*$/.test(axis) ? axis : "axis");

/** Nodes made again in another builder, with axes of known sizes. */
class Copy {
  readonly builder: GraphBuilder;
  readonly #sizes: Sizes;
  readonly #closed = new Map<Value, Value>();
  /** What bound indices have become, innermost binder last. */
  readonly #bound = new Map<string, Value>();
  #opened = 0;

  constructor(builder: GraphBuilder, sizes: Sizes) {
    this.builder = builder;
    this.#sizes = sizes;
  }

  size(axis: string): Value {
    const size = this.#sizes[axis];
    return size === undefined ? this.builder.extent(axis) : this.builder.constant(size);
  }

  of(value: Value): Value {
    const closed = value.free.every((name) => name.includes("@"));
    const had = closed ? this.#closed.get(value) : undefined;
    if (had !== undefined) return had;
    const made = this.#make(value);
    if (closed) this.#closed.set(value, made);
    return made;
  }

  #make(value: Value): Value {
    const { builder } = this;
    const all = (values: readonly Value[]): Value[] => values.map((part) => this.of(part));
    switch (value.kind) {
      case "constant": return builder.constant(value.value);
      case "truth": return builder.truth(value.value);
      case "extent": return this.size(value.axis);
      case "index": return this.#bound.get(value.name) ?? builder.index(value.axis, this.of(value.extent), Number(value.name.slice(value.name.lastIndexOf("@") + 1)));
      case "load": return builder.load(value.tensor, all(value.indices));
      case "linear": return builder.linear(value.constant, value.terms.map(([k, term]) => [k, this.of(term)] as const));
      case "product": return builder.product(value.factors.map(([base, exponent]) => [this.of(base), exponent] as const));
      case "quotient": return this.#quotient(this.of(value.left), this.of(value.right));
      case "remainder": return builder.remainder(this.of(value.left), this.of(value.right));
      case "apply": return builder.apply(value.fn, all(value.args));
      case "bitwise": return builder.bitwise(value.op, this.of(value.left), this.of(value.right));
      case "larger": return builder.larger(this.of(value.left), this.of(value.right));
      case "smaller": return builder.smaller(this.of(value.left), this.of(value.right));
      case "select": return builder.select(this.of(value.condition), this.of(value.yes), this.of(value.no));
      case "less": return builder.less(this.of(value.left), this.of(value.right));
      case "atMost": return builder.atMost(this.of(value.left), this.of(value.right));
      case "equal": return builder.equal(this.of(value.left), this.of(value.right));
      case "not": return builder.not(this.of(value.of));
      case "and": return builder.and(...all(value.of));
      case "or": return builder.or(...all(value.of));
      case "reduce": return this.#under(value.axis, value.bound, this.of(value.extent), (index) => builder.reduce(value.op, index, this.of(value.body), this.of(value.where)));
      case "table": case "slot": throw new InternalError(`a claim about a ${value.kind}`);
    }
  }

  /** With sizes that do not fit, a divisor may have become 0: any number will do, as the claim about them fails. */
  #quotient(left: Value, right: Value): Value {
    return right.kind === "constant" && right.value < 1 ? this.builder.zero : this.builder.quotient(left, right);
  }

  #under(axis: string, bound: string, extent: Value, make: (index: Value) => Value): Value {
    const outer = this.#bound.get(bound);
    // Far from the indices that claims have, which count from 0.
    this.#bound.set(bound, this.builder.index(axis, extent, 1000 + this.#opened++));
    const made = make(this.#bound.get(bound) ?? this.builder.zero);
    if (outer === undefined) this.#bound.delete(bound);
    else this.#bound.set(bound, outer);
    return made;
  }
}
