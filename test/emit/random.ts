/** @file Random programs: every kind of node and element, nested reductions over the same axis, guards, clamped and guarded indices. */

import { GraphBuilder } from "../../spec/graph/builder";
import type { AxisDeclaration, Element, Graph, Index, MathFunction, Tensor, Value } from "../../spec/graph/node";
import type { TensorData } from "../../spec/tensor";
import { integerRange } from "../../spec/tensor/element";
import { numbers } from "./programs";

export interface Sample {
  readonly graph: Graph;
  readonly inputs: Record<string, TensorData>;
  readonly sizes: Record<string, number>;
}

const FUNCTIONS: readonly MathFunction[] = ["exp", "log", "sqrt", "tanh", "floor", "round", "ceil", "trunc", "abs", "sign", "expm1", "log1p", "sin", "cbrt", "atan"];
const ELEMENTS: readonly Element[] = [{ kind: "f32" }, { kind: "f32" }, { kind: "f16" }, { kind: "i32" }, { kind: "u32" }, { kind: "uint", bits: 1 }, { kind: "uint", bits: 3 }, { kind: "uint", bits: 8 }, { kind: "uint", bits: 11 }];

export function sample(seed: number): Sample {
  return new Maker(seed).sample();
}

class Maker {
  readonly #next: () => number;
  readonly #b = new GraphBuilder();
  readonly #sizes: Record<string, number> = {};
  readonly #axes: AxisDeclaration[] = [];
  readonly #inputs: Tensor[] = [];
  #opened = 5;

  constructor(seed: number) {
    this.#next = numbers(seed + 1);
    for (let k = 0; k < 5; k++) this.#next();
  }

  #below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  #pick<T>(list: readonly T[]): T {
    const chosen = list[this.#below(list.length)];
    if (chosen === undefined) throw new Error("nothing to pick from");
    return chosen;
  }

  sample(): Sample {
    for (const name of ["a", "b", "c"]) {
      const size = this.#pick([0, 1, 2, 3, 5, 7, 33]);
      this.#sizes[name] = size;
      this.#axes.push(this.#next() < 0.4 ? { name, extent: size } : { name });
    }
    const count = 2 + this.#below(4);
    for (let k = 0; k < count; k++) {
      const axes = Array.from({ length: this.#below(4) }, () => this.#pick(["a", "b", "c"]));
      this.#inputs.push({ name: `x${k}`, element: this.#pick(ELEMENTS), axes });
    }
    // Every axis is bound by an input.
    this.#inputs.push({ name: "all", element: { kind: "f32" }, axes: ["a", "b", "c"] });
    const outputs: Tensor[] = [];
    const stores = Array.from({ length: 1 + this.#below(2) }, (_, k) => {
      const axes = Array.from({ length: this.#below(4) }, () => this.#pick(["a", "b", "c"]));
      const output: Tensor = { name: `out${k}`, element: this.#pick(ELEMENTS), axes };
      outputs.push(output);
      const used = new Map<string, number>();
      const indices = axes.map((axis) => {
        const at = used.get(axis) ?? 0;
        used.set(axis, at + 1);
        return this.#b.index(axis, this.#extent(axis), at);
      });
      const scope = indices.filter((index): index is Index => index.kind === "index");
      const range = integerRange(output.element);
      return { output, indices, value: range === undefined ? this.#real(scope, 4) : this.#integer(scope, 4) };
    });
    const graph: Graph = { name: "random", axes: this.#axes, inputs: this.#inputs, outputs, stores, obligations: [], spans: this.#b.spans };
    const inputs: Record<string, TensorData> = {};
    for (const { name, element, axes } of this.#inputs) inputs[name] = this.#data(element, axes.map((axis) => this.#sizes[axis] ?? 0));
    return { graph, inputs, sizes: this.#sizes };
  }

  #data(element: Element, shape: readonly number[]): TensorData {
    const count = shape.reduce((all, size) => all * size, 1);
    const range = integerRange(element);
    const [low, high] = range === undefined ? [-3, 3] : [Math.max(range[0], -40), Math.min(range[1], 40)];
    const extreme = range !== undefined && this.#next() < 0.1;
    return {
      shape,
      data: Array.from({ length: count }, () => {
        if (extreme && this.#next() < 0.2) return this.#pick(range);
        const value = low + this.#next() * (high - low);
        return range === undefined ? value : Math.round(value);
      }),
    };
  }

  #extent(axis: string): Value {
    const fixed = this.#axes.find(({ name }) => name === axis)?.extent;
    return fixed === undefined ? this.#b.extent(axis) : this.#b.constant(fixed);
  }

  /** A position on an axis: an index in scope, or any integer clamped, or 0 of what has one for certain. */
  #position(axis: string, scope: readonly Index[], depth: number): Value | undefined {
    const own = scope.filter((index) => index.axis === axis);
    if (own.length > 0 && this.#next() < 0.7) return this.#pick(own);
    if ((this.#sizes[axis] ?? 0) === 0) return own.length > 0 ? this.#pick(own) : undefined;
    return this.#b.clamp(this.#integer(scope, depth - 1), this.#extent(axis));
  }

  #load(scope: readonly Index[], depth: number, whole: boolean): Value | undefined {
    const tensors = this.#inputs.filter(({ element }) => (integerRange(element) !== undefined) === whole);
    if (tensors.length === 0) return undefined;
    const tensor = this.#pick(tensors);
    const indices = tensor.axes.map((axis) => this.#position(axis, scope, depth));
    return indices.every((index) => index !== undefined) ? this.#b.load(tensor, indices) : undefined;
  }

  #bind(scope: readonly Index[]): readonly [Value, readonly Index[]] {
    const axis = this.#pick(["a", "b", "c"]);
    const index = this.#b.index(axis, this.#extent(axis), this.#opened++);
    return [index, index.kind === "index" ? [...scope, index] : scope];
  }

  #real(scope: readonly Index[], depth: number): Value {
    const b = this.#b;
    const real = (): Value => this.#real(scope, depth - 1);
    if (depth <= 0) return this.#load(scope, 0, false) ?? b.constant(Math.round(this.#next() * 80 - 40) / 8);
    switch (this.#below(14)) {
      case 0: return this.#load(scope, depth, false) ?? real();
      case 1: return b.add(real(), real());
      case 2: return b.linear(Math.round(this.#next() * 16 - 8) / 4, [[this.#pick([-2, -1, 0.5, 3]), real()], [this.#pick([-1, 1.25]), this.#integer(scope, depth - 1)]]);
      case 3: return b.multiply(real(), real());
      case 4: return b.divide(real(), this.#next() < 0.7 ? b.linear(1, [[1, b.apply("abs", [real()])]]) : real());
      case 5: {
        const argument = real();
        const fn = this.#pick(FUNCTIONS);
        const tame = fn === "log" || fn === "sqrt" || fn === "log1p" ? b.apply("abs", [argument]) : fn === "exp" || fn === "expm1" ? b.smaller(argument, b.constant(20)) : argument;
        return b.apply(fn, [tame]);
      }
      case 6: return b.larger(real(), real());
      case 7: return b.smaller(real(), real());
      case 8: return b.select(this.#truth(scope, depth - 1), real(), real());
      case 9: case 10: {
        const [index, inner] = this.#bind(scope);
        const body = this.#real(inner, depth - 1);
        return b.reduce("sum", index, this.#next() < 0.5 ? body : b.select(this.#truth(inner, depth - 2), body, b.zero));
      }
      case 11: case 12: {
        const [index, inner] = this.#bind(scope);
        const op = this.#pick(["max", "min"] as const);
        const none = b.constant(op === "max" ? -Infinity : Infinity);
        const extreme = b.reduce(op, index, this.#next() < 0.5 ? this.#real(inner, depth - 1) : b.select(this.#truth(inner, depth - 2), this.#real(inner, depth - 1), none));
        return this.#next() < 0.5 ? extreme : b.select(b.equal(extreme, none), b.constant(0.5), extreme);
      }
      default: return b.remainder(real(), b.constant(this.#pick([2, 1.5, -3])));
    }
  }

  #integer(scope: readonly Index[], depth: number): Value {
    const b = this.#b;
    const integer = (): Value => this.#integer(scope, depth - 1);
    if (depth < 0) return scope.length > 0 ? this.#pick(scope) : b.constant(this.#below(9) - 4);
    if (depth === 0) return scope.length > 0 && this.#next() < 0.6 ? this.#pick(scope) : this.#load(scope, 0, true) ?? b.constant(this.#below(9) - 4);
    switch (this.#below(13)) {
      case 0: case 1: return this.#load(scope, depth, true) ?? integer();
      case 2: return b.linear(this.#below(9) - 4, [[this.#pick([-3, -1, 1, 2, 8]), integer()], [this.#pick([-1, 1]), integer()]]);
      case 3: return b.quotient(integer(), b.constant(this.#pick([1, 2, 3, 4, 7])));
      case 4: return b.remainder(integer(), b.constant(this.#pick([2, 3, 8, -5])));
      case 5: return b.larger(integer(), integer());
      case 6: return b.smaller(integer(), integer());
      case 7: return b.select(this.#truth(scope, depth - 1), integer(), integer());
      case 8: return b.bitwise(this.#pick(["&", "|", "^"] as const), b.remainder(integer(), b.constant(1000)), b.remainder(integer(), b.constant(1000)));
      case 9: {
        const [index, inner] = this.#bind(scope);
        return b.reduce(this.#pick(["argmax", "argmin"] as const), index, this.#next() < 0.5 ? this.#real(inner, depth - 1) : this.#integer(inner, depth - 1));
      }
      case 10: {
        const [index, inner] = this.#bind(scope);
        return b.reduce("sum", index, b.select(this.#truth(inner, depth - 1), this.#integer(inner, depth - 2), b.zero));
      }
      case 11: return b.multiply(b.remainder(integer(), b.constant(50)), integer());
      default: return b.extent(this.#pick(["a", "b", "c"])).kind === "extent" ? this.#extent(this.#pick(["a", "b", "c"])) : b.zero;
    }
  }

  #truth(scope: readonly Index[], depth: number): Value {
    const b = this.#b;
    if (depth <= 0) return b.less(this.#integer(scope, 0), this.#integer(scope, 0));
    switch (this.#below(8)) {
      case 0: case 1: return b.less(this.#integer(scope, depth - 1), this.#integer(scope, depth - 1));
      case 2: return b.equal(this.#integer(scope, depth - 1), this.#integer(scope, depth - 1));
      case 3: return b.less(this.#real(scope, depth - 1), this.#real(scope, depth - 1));
      case 4: return b.not(this.#truth(scope, depth - 1));
      case 5: return b.and(this.#truth(scope, depth - 1), this.#truth(scope, depth - 1));
      case 6: return b.or(this.#truth(scope, depth - 1), this.#truth(scope, depth - 1));
      default: {
        const [index, inner] = this.#bind(scope);
        return b.reduce("any", index, this.#truth(inner, depth - 1));
      }
    }
  }
}
