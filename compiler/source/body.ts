/** @file The graph of one kernel while it grows: axes and their sizes, free indices, and what is known where. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import { postOrder } from "../../spec/graph/children";
import type { AxisDeclaration, Obligation, Span, Tensor, Value } from "../../spec/graph/node";
import { faultOf, isInside, outside, readsInside } from "../../spec/graph/obligations";
import { LARGEST_SIZE, withJoined, type Sizes } from "../../spec/tensor";
import type { AxisMeaning, Body, Fault } from "./meaning";
import type { ts } from "./typescript";

/** Thrown when an axis turns out to have a fixed size, or parts, after its size was used as unknown: the body starts again. */
export class SizeFound extends Error {
  constructor(readonly axis: AxisMeaning) {
    super(`the size of ${axis.name} is known`);
  }
}

/** Where faults of a body go. */
export interface Court {
  refuse(site: ts.Node, fault: Fault): never;
  report(site: ts.Node, fault: Fault): void;
  spanOf(site: ts.Node): Span;
}

/** Whether the size of an axis is left to the inputs and `set`. */
const isOpen = ({ extent, parts }: AxisMeaning): boolean => extent === undefined && parts === undefined;

/** `8`, or `sink + tail`. */
const sizeOf = ({ extent, parts }: AxisMeaning): string => (parts === undefined ? String(extent) : parts.map(({ name }) => name).join(" + "));

/** Free indices by name, and sizes by axis. */
const namesIn = (value: Value): readonly string[] => [...value.free, ...postOrder([value]).flatMap((node) => (node.kind === "extent" ? [node.axis] : []))];

export class GrowingBody implements Body {
  readonly builder: GraphBuilder;
  readonly conditions: Value[] = [];
  readonly #axes = new Map<string, AxisMeaning>();
  readonly #open = new Map<string, number>();
  /** Conditions that an axis is not empty, which hold because something runs along it. */
  readonly #nonEmpty = new Map<Value, string>();
  readonly #obligations = new Map<string, Obligation>();
  readonly #settled = new Set<string>();
  /** Axes of which the size, or the parts, have been found. */
  readonly #fixed: ReadonlyMap<string, AxisMeaning>;
  readonly #court: Court;

  constructor(fixed: ReadonlyMap<string, AxisMeaning>, court: Court, builder: GraphBuilder) {
    this.builder = builder;
    this.#fixed = fixed;
    this.#court = court;
  }

  /** Every axis that was met, in order. */
  get axes(): readonly AxisDeclaration[] {
    return [...this.#axes.values()].map(({ name, extent, parts }) => (parts !== undefined ? { name, parts: parts.map((part) => part.name) } : extent === undefined ? { name } : { name, extent }));
  }

  get obligations(): readonly Obligation[] {
    return [...this.#obligations.values()];
  }

  extent(axis: AxisMeaning, site: ts.Node): Value {
    const { name, extent, parts } = this.#declared(axis, site);
    if (parts !== undefined) return this.builder.add(...parts.map((part) => this.extent(part, site)));
    return extent === undefined ? this.builder.extent(name) : this.builder.constant(extent);
  }

  /** The axis as it is known in this body: a declaration without a size stands for one with a size or parts. */
  #declared(axis: AxisMeaning, site: ts.Node): AxisMeaning {
    const met = this.#axes.get(axis.name);
    const before = met ?? this.#fixed.get(axis.name);
    if (before === undefined || !isOpen(before)) {
      if (before !== undefined && !isOpen(axis) && sizeOf(axis) !== sizeOf(before)) {
        this.#court.refuse(site, { code: "KV2103", message: `axis \`${axis.name}\` is declared with two sizes`, expected: `${sizeOf(before)}, as elsewhere`, got: sizeOf(axis), mend: "Declare it once and share it, or give the other axis a name of its own." });
      }
    } else if (met !== undefined && !isOpen(axis)) throw new SizeFound(axis);
    if (met !== undefined) return met;
    const found = before ?? axis;
    for (const part of found.parts ?? []) this.#part(found, part, site);
    this.#axes.set(axis.name, found);
    return found;
  }

  /** Declares a part before its whole. Of a part that is declared without a size, the parts may be found elsewhere. */
  #part(whole: AxisMeaning, part: AxisMeaning, site: ts.Node): void {
    const inner = isOpen(part) ? (this.#axes.get(part.name) ?? this.#fixed.get(part.name) ?? part) : part;
    if (inner.name === whole.name) {
      this.#court.refuse(site, { code: "KV2107", message: `axis \`${whole.name}\` goes through itself`, expected: "parts that are other axes", mend: "Give the whole a name of its own." });
    }
    for (const each of inner.parts ?? []) this.#part(whole, each, site);
    this.#declared(part, site);
  }

  along(axis: AxisMeaning, site: ts.Node, action: (index: Value) => Value): Value {
    const extent = this.extent(axis, site);
    const k = this.#open.get(axis.name) ?? 0;
    this.#open.set(axis.name, k + 1);
    // Where there is an index, its axis is not empty.
    const nonEmpty = this.builder.less(this.builder.zero, extent);
    this.#nonEmpty.set(nonEmpty, axis.name);
    this.conditions.push(nonEmpty);
    try {
      return action(this.builder.index(axis.name, extent, k));
    } finally {
      this.conditions.pop();
      this.#open.set(axis.name, k);
    }
  }

  load(tensor: Tensor, axes: readonly AxisMeaning[], indices: readonly Value[], site: ts.Node): Value {
    this.inside(tensor.name, axes, indices, site);
    return this.builder.load(tensor, indices);
  }

  inside(name: string, axes: readonly AxisMeaning[], indices: readonly Value[], site: ts.Node): void {
    axes.forEach((axis, at) => {
      const index = indices[at];
      if (index === undefined) throw new InternalError(`${name} is read with ${indices.length} indices`);
      this.#insideOne(name, axis, index, site);
    });
  }

  #insideOne(name: string, axis: AxisMeaning, index: Value, site: ts.Node): void {
    const { builder } = this;
    const size = this.extent(axis, site);
    if (!index.facts.integer) {
      this.#court.refuse(site, { code: "KV2002", message: `\`${name}\` is read on its axis \`${axis.name}\` at a number that may not be an integer`, expected: `an index of \`${axis.name}\``, got: index.facts.mayBeNegativeInfinity || index.facts.mayBePositiveInfinity ? "a number that may be infinite" : "a number", mend: "`Math.floor(i)` makes an integer of a number, `clamp(Math.floor(i), axis)` an index." });
    }
    if (this.conditions.includes(builder.false)) return;
    // A reader is inlined wherever it is called: the same read, on the same way, has been dealt with.
    const read = `${name} ${axis.name} ${index.id} ${this.conditions.map(({ id }) => id).join(" ")}`;
    if (this.#settled.has(read)) return;
    if (this.#isSettled(name, axis.name, index, size, site)) this.#settled.add(read);
    else this.#court.report(site, outside(name, axis.name, index, size));
  }

  /** Whether a read is proved to be inside, or the proof is owed. */
  #isSettled(of: string, axis: string, index: Value, size: Value, site: ts.Node): boolean {
    if (isInside(this.builder, index, size, this.conditions)) return true;
    const claim = { kind: "inside", index, axis, of, under: this.#relevant(axis, index) } as const;
    const decided = this.#sizesDecide(claim, size);
    if (decided) this.#owe(claim, site);
    return decided;
  }

  /**
   * What a claim is made under: the conditions passed on the way that have to do with it, by an index or a size. That an
   * axis is not empty is said only where nothing else says it, namely an index along it.
   */
  #relevant(target: string, index: Value): readonly Value[] {
    let guards = [...new Set(this.conditions)].filter((condition) => condition !== this.builder.true && !this.#nonEmpty.has(condition));
    const kept: Value[] = [];
    const touched = new Set([target, ...namesIn(index)]);
    for (let found = true; found; ) {
      const near = guards.filter((guard) => namesIn(guard).some((name) => touched.has(name)));
      for (const guard of near) for (const name of namesIn(guard)) touched.add(name);
      kept.push(...near);
      guards = guards.filter((guard) => !near.includes(guard));
      found = near.length > 0;
    }
    const along = new Set(postOrder([index, ...kept]).flatMap((node) => (node.kind === "index" ? [node.axis] : [])));
    const nonEmpty = [...new Set(this.conditions)].filter((condition) => {
      const axis = this.#nonEmpty.get(condition);
      return condition !== this.builder.true && axis !== undefined && touched.has(axis) && !along.has(axis);
    });
    return [...kept, ...nonEmpty];
  }

  /** Whether there are sizes for which a read takes place, and inside: then they decide it, when they are known. */
  #sizesDecide(claim: Extract<Obligation["claim"], { kind: "inside" }>, size: Value): boolean {
    const axes = [...this.#axes.values()];
    const free = axes.filter(isOpen).map(({ name }) => name);
    const fixed = Object.fromEntries(axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent] as const])));
    if (free.length === 0) return false;
    const target = size.kind === "extent" ? size.axis : undefined;
    // Sizes that divide much, all alike or with the axis at hand much longer or shorter than the others.
    const sizes = (own: number, others: number): Sizes => withJoined(this.axes, { ...fixed, ...Object.fromEntries(free.map((name) => [name, name === target ? own : others])) });
    const samples: readonly (readonly [others: number, own: number])[] = [[1, 1], [2, 2], [64, 64], [4096, 4096], [1, 2 ** 30], [64, 2 ** 30], [4096, 2 ** 30], [1, LARGEST_SIZE], [4096, 1], [4096, 64]];
    return samples.some(([others, own]) => readsInside(claim, sizes(own, others)));
  }

  divides(dividend: AxisMeaning, divisor: AxisMeaning, site: ts.Node): void {
    const claim = { kind: "divides", dividend: this.extent(dividend, site), divisor: this.extent(divisor, site) } as const;
    const decided = claim.dividend.kind === "constant" && claim.divisor.kind === "constant";
    if (!decided) {
      if (claim.dividend !== claim.divisor) this.#owe(claim, site);
      return;
    }
    const fault = faultOf(claim, {});
    if (fault !== undefined) this.#court.refuse(site, { ...fault, message: `axis \`${dividend.name}\` cannot be divided evenly among \`${divisor.name}\`` });
  }

  #owe(claim: Obligation["claim"], site: ts.Node): void {
    const parts = claim.kind === "divides" ? [claim.dividend, claim.divisor] : [claim.index, ...claim.under];
    const key = `${claim.kind === "divides" ? "" : `${claim.of} ${claim.axis}`} ${parts.map(({ id }) => id).join(" ")}`;
    if (!this.#obligations.has(key)) this.#obligations.set(key, { claim, span: this.#court.spanOf(site) });
  }
}
