/**
 * @file Evaluates the expressions of a kernel in nested scopes, as they are printed: a value is computed once in the scope
 * of its deepest free axis, a value that reads what the kernel writes every time.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Index, Reduce, Value } from "../../spec/graph/node";
import { infinitiesOf } from "../kernel/infinities";
import { integerType, scalarType } from "../kernel/scalar";
import { applied, bitwise, rounded } from "./arithmetic";
import type { Fault } from "./memory";

/** One axis at one position, inside the scopes around it. */
export class Scope {
  readonly known = new Map<Value, number>();

  private constructor(readonly outer: Scope | undefined, readonly name: string, readonly position: number) {}

  static readonly root = (): Scope => new Scope(undefined, "", 0);

  at(index: Index, position: number): Scope {
    return new Scope(this, index.name, position);
  }

  /** This scope and those around it, innermost first. */
  *#outwards(): Generator<Scope> {
    yield this;
    for (let { outer } = this; outer !== undefined; { outer } = outer) yield outer;
  }

  positionOf(name: string): number | undefined {
    for (const scope of this.#outwards()) if (scope.name === name) return scope.position;
    return undefined;
  }

  /** The innermost scope whose axis is among `names`: the outermost in which all of them have positions. */
  holding(names: readonly string[]): Scope {
    for (const scope of this.#outwards()) if (scope.outer === undefined || names.includes(scope.name)) return scope;
    return this;
  }
}

export interface Surroundings {
  readonly builder: GraphBuilder;
  readonly sizes: Readonly<Record<string, number>>;
  /** Names of arrays that the kernel writes. */
  readonly written: ReadonlySet<string>;
  /** An element of an array, for whoever is computing. */
  element(array: string, indices: readonly number[]): number;
  report(fault: Fault): void;
}

export class Evaluator {
  readonly #around: Surroundings;
  readonly #volatile = new Map<Value, boolean>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  value(value: Value, scope: Scope): number {
    if (value.kind === "constant") return value.value;
    if (this.#isVolatile(value)) return this.#compute(value, scope);
    const home = scope.holding(value.free);
    let known = home.known.get(value);
    if (known === undefined) home.known.set(value, (known = this.#compute(value, scope)));
    return known;
  }

  truth(value: Value, scope: Scope): boolean {
    return this.value(value, scope) !== 0;
  }

  #isVolatile(value: Value): boolean {
    let known = this.#volatile.get(value);
    if (known === undefined) {
      known = (value.kind === "slot" && this.#around.written.has(value.name)) || (value.kind === "load" && this.#around.written.has(value.tensor.name)) || children(value).some((part) => this.#isVolatile(part));
      this.#volatile.set(value, known);
    }
    return known;
  }

  #memoryLast(parts: readonly Value[]): readonly Value[] {
    return [...parts.filter((part) => !this.#isVolatile(part)), ...parts.filter((part) => this.#isVolatile(part))];
  }

  /** A number as an operand of f32 arithmetic. */
  #operand(part: Value, scope: Scope): number {
    const value = this.value(part, scope);
    if (!Number.isFinite(value) && !Number.isNaN(value)) {
      const { negative, positive } = infinitiesOf(part);
      if (value < 0 ? !negative : !positive) this.#around.report({ kind: "sentinel", text: `arithmetic on ${String(value)} in a ${part.kind} that the types call finite` });
    }
    return Math.fround(value);
  }

  /** What overflows is no promised number any more, and must not reach an output; a sentinel is what types call infinite. */
  #compute(value: Value, scope: Scope): number {
    const result = this.#computed(value, scope);
    if (Number.isFinite(result) || Number.isNaN(result)) return result;
    switch (value.kind) {
      case "linear": case "product": case "apply": {
        const { negative, positive } = infinitiesOf(value);
        return (result < 0 ? negative : positive) ? result : NaN;
      }
      default: return result;
    }
  }

  #computed(value: Value, scope: Scope): number {
    const type = scalarType(value);
    const whole = type !== "bool" && integerType(value) !== undefined;
    const operand = (part: Value): number => (whole ? this.value(part, scope) : this.#operand(part, scope));
    switch (value.kind) {
      case "constant": return value.value;
      case "truth": return value.value ? 1 : 0;
      case "extent": {
        const size = this.#around.sizes[value.axis];
        if (size === undefined) throw new InternalError(`the axis ${value.axis} has no size`);
        return size;
      }
      case "index": {
        const position = scope.positionOf(value.name);
        if (position === undefined) throw new InternalError(`${value.name} is used outside its scope`);
        return position;
      }
      case "load": return this.#around.element(value.tensor.name, value.indices.map((index) => this.value(index, scope)));
      case "slot": return this.#around.element(value.name, value.indices.map((index) => this.value(index, scope)));
      case "linear": {
        let sum = rounded(value.constant, type);
        for (const [k, term] of value.terms) sum = rounded(sum + rounded(rounded(k, type) * operand(term), type), type);
        return sum;
      }
      case "product": {
        let product = 1;
        for (const [base, exponent] of value.factors) product = rounded(product * this.#power(operand(base), exponent, whole), type);
        return product;
      }
      case "quotient": return Math.floor(operand(value.left) / operand(value.right));
      case "remainder": return rounded(operand(value.left) % operand(value.right), type);
      case "apply": return rounded(applied(value.fn, value.args.map(operand)), type);
      case "bitwise": return bitwise(value.op, this.value(value.left, scope), this.value(value.right, scope));
      case "larger": return Math.max(this.value(value.left, scope), this.value(value.right, scope));
      case "smaller": return Math.min(this.value(value.left, scope), this.value(value.right, scope));
      case "select": return this.truth(value.condition, scope) ? this.value(value.yes, scope) : this.value(value.no, scope);
      case "less": return this.value(value.left, scope) < this.value(value.right, scope) ? 1 : 0;
      case "atMost": return this.value(value.left, scope) <= this.value(value.right, scope) ? 1 : 0;
      case "equal": return this.value(value.left, scope) === this.value(value.right, scope) ? 1 : 0;
      case "not": return this.truth(value.of, scope) ? 0 : 1;
      // Positions are looked at before memory: what is outside a tile's guard is not read.
      case "and": return this.#memoryLast(value.of).every((part) => this.truth(part, scope)) ? 1 : 0;
      case "or": return this.#memoryLast(value.of).some((part) => this.truth(part, scope)) ? 1 : 0;
      case "reduce": return this.#reduce(value, scope);
      case "table": throw new InternalError("a kernel has no suspended substitution");
    }
  }

  #power(base: number, exponent: number, whole: boolean): number {
    if (whole) return base ** exponent;
    if (exponent === 1) return base;
    return Math.fround(base ** exponent);
  }

  #reduce(reduce: Reduce, scope: Scope): number {
    const { index, where, body } = this.#around.builder.open(reduce, []);
    const extent = this.value(reduce.extent, scope);
    const type = scalarType(reduce);
    const { op } = reduce;
    let result = op === "max" || op === "argmax" ? -Infinity : op === "min" || op === "argmin" ? Infinity : 0;
    let place = 0;
    for (let position = 0; position < extent; position++) {
      const inner = scope.at(index, position);
      if (!this.truth(where, inner)) continue;
      if (op === "any") return 1;
      const value = this.value(body, inner);
      switch (op) {
        case "sum": result = rounded(result + value, type); break;
        case "max": result = Math.max(result, value); break;
        case "min": result = Math.min(result, value); break;
        case "argmax": if (value > result) [result, place] = [value, position]; break;
        case "argmin": if (value < result) [result, place] = [value, position]; break;
      }
    }
    return op === "argmax" || op === "argmin" ? place : result;
  }
}
