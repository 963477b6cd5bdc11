/**
 * @file Makes the graph of a random program without its text: what the front end makes of the same program, but for places.
 * Loops are opened as the front end opens them, and a read that only sizes can prove to be inside becomes an obligation.
 */

import { GraphBuilder } from "../../spec/graph/builder";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { MathFunction, Obligation, ReduceOperator, Tensor, Value } from "../../spec/graph/node";
import { isInside } from "../../spec/graph/obligations";
import type { Built } from "./expression";

/** Sizes of axes that are declared with one. */
export type Declared = Readonly<Record<string, number | undefined>>;

export class Maker {
  /** Functions of the program, by name. */
  readonly functions = new Map<string, Built>();
  readonly #declared: Declared;
  /** How many loops over an axis are open. */
  readonly #open = new Map<string, number>();
  /** That the axes of open loops are not empty. */
  readonly #running: Value[] = [];
  readonly #obligations = new Map<string, Obligation>();

  constructor(declared: Declared, readonly builder = new GraphBuilder()) {
    this.#declared = declared;
  }

  get obligations(): readonly Obligation[] {
    return [...this.#obligations.values()];
  }

  extent(axis: string): Value {
    const size = this.#declared[axis];
    return size === undefined ? this.builder.extent(axis) : this.builder.constant(size);
  }

  number(value: number): Value {
    return this.builder.constant(value);
  }

  clamp(value: Value, axis: string): Value {
    return this.builder.clamp(value, this.extent(axis));
  }

  /** A loop's index, known while `body` is made. */
  along(axis: string, body: (index: Value) => Value): Value {
    const { builder } = this;
    const extent = this.extent(axis);
    const k = this.#open.get(axis) ?? 0;
    this.#open.set(axis, k + 1);
    this.#running.push(builder.less(builder.zero, extent));
    try {
      return body(builder.index(axis, extent, k));
    } finally {
      this.#running.pop();
      this.#open.set(axis, k);
    }
  }

  reduce(op: ReduceOperator, axis: string, body: (index: Value) => Value): Value {
    return this.along(axis, (index) => this.builder.reduce(op, index, body(index)));
  }

  sum(axis: string, body: (index: Value) => Value): Value {
    return this.reduce("sum", axis, body);
  }

  max(axis: string, body: (index: Value) => Value): Value {
    return this.reduce("max", axis, body);
  }

  all(axis: string, body: (index: Value) => Value): Value {
    return this.builder.not(this.reduce("any", axis, (index) => this.builder.not(body(index))));
  }

  load(tensor: Tensor, indices: readonly Value[]): Value {
    tensor.axes.forEach((axis, at) => {
      const index = indices[at];
      const size = this.extent(axis);
      if (index === undefined || isInside(this.builder, index, size, this.#running)) return;
      const under = [...new Set(this.#running)].filter((condition) => condition !== this.builder.true);
      const key = [tensor.name, axis, index.id, ...under.map(({ id }) => id)].join(" ");
      this.#obligations.set(key, { claim: { kind: "inside", index, axis, of: tensor.name, under }, span: undefined });
    });
    return this.builder.load(tensor, indices);
  }

  call(name: string, args: readonly Value[]): Value {
    const called = this.functions.get(name);
    if (called === undefined) throw new InternalError(`no function is called ${name}`);
    return called(...args);
  }

  apply(fn: MathFunction, ...args: readonly Value[]): Value {
    return this.builder.apply(fn, args);
  }

  exp(value: Value): Value {
    return this.apply("exp", value);
  }

  masked(live: Value, score: Value): Value {
    return this.builder.select(live, score, this.number(-Infinity));
  }

  /** `softmax` of the library. */
  softmax(axis: string, score: (i: Value) => Value): (i: Value) => Value {
    const { shift, total } = this.#exponentials(axis, score);
    const { builder } = this;
    const norm = builder.select(builder.equal(total, builder.zero), builder.one, total);
    return (i) => builder.divide(this.exp(builder.subtract(score(i), shift)), norm);
  }

  /** `logSumExp` of the library. */
  logSumExp(axis: string, score: (i: Value) => Value): Value {
    const { shift, total } = this.#exponentials(axis, score);
    const { builder } = this;
    return builder.select(builder.equal(total, builder.zero), this.number(-Infinity), builder.add(shift, this.apply("log", total)));
  }

  /** Σ exp(score − shift), where shift is the largest score, if there is any. */
  #exponentials(axis: string, score: (i: Value) => Value): { readonly shift: Value; readonly total: Value } {
    const { builder } = this;
    const peak = this.max(axis, score);
    const shift = builder.select(builder.equal(peak, this.number(-Infinity)), builder.zero, peak);
    return { shift, total: this.sum(axis, (i) => this.exp(builder.subtract(score(i), shift))) };
  }
}
